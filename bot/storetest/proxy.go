package storetest

import (
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between clients and a server, and spoils what the server answers.
type Proxy struct {
	Addr string // host:port on the loopback

	to    string
	spoil atomic.Pointer[Spoil]
}

// Spoil is what becomes of a piece of the server's answers: what the client gets of it,
// and whether its connection ends then.
type Spoil func(answer []byte) (pass []byte, end bool)

// StartProxy makes a proxy that passes everything on, until it is told otherwise.
func StartProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // its connections end with their clients
	p := &Proxy{Addr: l.Addr().String(), to: to}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.connect(client)
		}
	}()
	return p
}

// Set spoils answers from now on; nil passes them on again.
func (p *Proxy) Set(s Spoil) {
	if s == nil {
		p.spoil.Store(nil)
		return
	}
	p.spoil.Store(&s)
}

func (p *Proxy) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		pass(client, server, nil)
	}()
	pass(server, client, &p.spoil)
}

func pass(from, to net.Conn, spoil *atomic.Pointer[Spoil]) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		data, end := buffer[:n], false
		if spoil != nil {
			if s := spoil.Load(); s != nil {
				data, end = (*s)(data)
			}
		}
		if _, err := to.Write(data); err != nil || end {
			return
		}
	}
}

// Ways to spoil answers.
var (
	Swallow Spoil = func([]byte) ([]byte, bool) { return nil, false }
	Reset   Spoil = func([]byte) ([]byte, bool) { return nil, true }
	Half    Spoil = func(answer []byte) ([]byte, bool) { return answer[:len(answer)/2], true }
	Loading Spoil = func([]byte) ([]byte, bool) {
		return []byte("-LOADING Redis is loading the dataset in memory\r\n"), false
	}
)

// Late delays answers.
func Late(d time.Duration) Spoil {
	return func(answer []byte) ([]byte, bool) {
		time.Sleep(d)
		return answer, false
	}
}
