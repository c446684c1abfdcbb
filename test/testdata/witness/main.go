// Command witness is a service that tells what it sees and may do, as one JSON
// object of texts, so that two of them can be compared line by line.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report is what was seen, by subject.
type report map[string]string

func main() {
	if len(os.Args) == 2 && os.Args[1] == executed {
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "prepared" {
		prepare(os.Args[2])
		return
	}
	witnessed, started := witness(), time.Now().String()
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, unix.SIGTERM, unix.SIGQUIT, unix.SIGINT)
	go func() {
		fmt.Println("asked to end by", <-stopped)
		os.Exit(0)
	}()
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(witnessed) })
	http.HandleFunc("/started", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, started) })
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, r.URL.Query().Get("name")) })
	http.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		os.Exit(code)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func witness() report {
	r := report{}
	r.process()
	r.streams()
	r.limits()
	r.calls()
	r.sockets()
	r.files()
	r.given()
	r.folders(strings.Fields(os.Getenv("FOLDERS")))
	return r
}

// prepare notes who prepared, and how often.
func prepare(file string) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, "prepared by", os.Getuid())
	}
	if err != nil {
		log.Fatal(err)
	}
}

// outcome names an error by its constant.
func outcome(err error) string {
	if err == nil {
		return "works"
	}
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = inner.Unwrap()
	}
	if errno, ok := err.(unix.Errno); ok {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
