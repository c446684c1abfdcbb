// Command mirror is a service that shows what it was started with.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		dir, err := os.Getwd()
		if err != nil {
			log.Fatal(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"args": os.Args[1:], "dir": dir, "odd": os.Getenv("ODD")})
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
