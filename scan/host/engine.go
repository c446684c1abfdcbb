package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/bakelite/bakelite/internal/limit"
)

// Limits on what an engine is asked for.
const (
	maxAnswer     = 16 << 20 // bytes of one answer
	maxContainers = 2000
	answerTime    = 30 * time.Second
)

// engine is what the engines of a machine say of their containers.
type engine struct {
	// asked are the sockets; there says that one listens on them, and unread why
	// another did not answer.
	asked      []string
	there      bool
	unread     error
	swarm      string
	containers []container
}

// ask asks each engine that listens. It sends nothing but GET.
func ask(ctx context.Context, sockets []string) (e engine) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	e.asked = sockets
	for _, socket := range sockets {
		if _, err := os.Lstat(socket); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		e.there = true
		if err := e.read(ctx, socket); err != nil {
			e.unread = errors.Join(e.unread, fmt.Errorf("asking %s: %w", socket, err))
		}
	}
	return e
}

func (e *engine) read(ctx context.Context, socket string) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var info struct {
		Swarm struct{ LocalNodeState string }
	}
	if err := get(ctx, client, "/info", &info); err != nil {
		return err
	}
	if info.Swarm.LocalNodeState != "" {
		e.swarm = info.Swarm.LocalNodeState
	}
	var listed []struct{ ID string }
	if err := get(ctx, client, "/containers/json", &listed); err != nil {
		return err
	}
	if len(listed) > maxContainers {
		return fmt.Errorf("it runs %d containers, more than %d", len(listed), maxContainers)
	}
	for _, one := range listed {
		var c container
		if err := get(ctx, client, "/containers/"+url.PathEscape(one.ID)+"/json", &c); err != nil {
			return err
		}
		e.containers = append(e.containers, c)
	}
	return nil
}

func get(ctx context.Context, client *http.Client, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := limit.ReadAll(answer.Body, maxAnswer, path)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
