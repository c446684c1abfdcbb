// Command service is the program in the images of the sandbox's tests.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

func main() {
	switch os.Args[1] {
	case "serve":
		if len(os.Args) > 3 {
			must(os.WriteFile(os.Args[3], []byte("started"), 0o600))
		}
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "baked") })
		fmt.Println("serving")
		must(http.ListenAndServe(os.Args[2], nil))
	case "fail":
		if len(os.Args) > 2 {
			pause, err := time.ParseDuration(os.Args[2])
			must(err)
			time.Sleep(pause)
		}
		fmt.Fprintln(os.Stderr, "no luck")
		os.Exit(9)
	case "uid":
		fmt.Printf("uid=%d euid=%d gid=%d\n", os.Getuid(), os.Geteuid(), os.Getgid())
	case "status":
		data, err := os.ReadFile("/proc/self/status")
		must(err)
		fmt.Print(string(data))
	case "read":
		data, err := os.ReadFile(os.Args[2])
		must(err)
		fmt.Print(string(data))
	case "write":
		must(os.WriteFile(os.Args[2], []byte("x"), 0o600))
	case "fill":
		f, err := os.Create(os.Args[2])
		must(err)
		for {
			_, err := f.Write(make([]byte, 1<<20))
			must(err)
		}
	case "hog":
		var kept [][]byte
		for range 1024 {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			kept = append(kept, block)
		}
		fmt.Println("not killed", len(kept))
	case "forks":
		n, err := strconv.Atoi(os.Args[2])
		must(err)
		started := 0
		for range n {
			if exec.Command("/service", "sleep").Start() == nil {
				started++
			}
		}
		fmt.Println("started", started)
	case "sleep":
		time.Sleep(time.Minute)
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
