package stepnet

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// tunnel answers CONNECT (RFC 9110, section 9.3.6). Its context is the
// network's: that of a request ends where one direction does.
func (n *Network) tunnel(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	out, err := n.dialTunnel(ctx, r.Host)
	if err != nil {
		http.Error(w, err.Error(), refusalStatus(err))
		return
	}
	defer out.Close()
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	in, ok := conn.(halfCloser)
	defer conn.Close()
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil || !ok {
		return
	}
	splice(ctx, ahead{in, buffer.Reader}, out)
}

// ahead is a connection whose first bytes may wait in a buffer.
type ahead struct {
	halfCloser
	buffer *bufio.Reader
}

func (a ahead) Read(p []byte) (int, error) { return a.buffer.Read(p) }

func (n *Network) dialTunnel(ctx context.Context, target string) (halfCloser, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	proxy, err := n.options.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: target}})
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		c, err := n.dialer().DialContext(ctx, "tcp", target)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
	if err := n.judge(ctx, host); err != nil {
		return nil, err
	}
	return connectThrough(ctx, proxy, target)
}

// connectThrough asks a proxy for a tunnel.
func connectThrough(ctx context.Context, proxy *url.URL, target string) (halfCloser, error) {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	if port == "" || proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, fmt.Errorf("proxies by %s are not supported in steps", proxy.Scheme)
	}
	c, err := dialTCP(ctx, net.JoinHostPort(proxy.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if proxy.Scheme == "https" {
		c = tls.Client(c, &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(headerTimeout))
	reader, err := shakeHands(c, proxy.User, target)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	return ahead{c, reader}, nil
}

func shakeHands(c net.Conn, user *url.Userinfo, target string) (*bufio.Reader, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(c); err != nil {
		return nil, fmt.Errorf("asking the proxy: %w", err)
	}
	reader := bufio.NewReader(c)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("asking the proxy: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %s", response.Status)
	}
	return reader, nil
}
