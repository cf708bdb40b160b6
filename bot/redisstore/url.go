package redisstore

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// target is where Redis is.
type target struct {
	kind               string // single, sentinel, cluster
	addrs              []string
	master             string // Sentinel's name for it
	username, password string
	sentinelUsername   string
	sentinelPassword   string
	tls                bool
	db                 int
}

// schemes are the forms a URL may have.
var schemes = map[string]target{
	"redis":           {kind: "single"},
	"rediss":          {kind: "single", tls: true},
	"redis+sentinel":  {kind: "sentinel"},
	"rediss+sentinel": {kind: "sentinel", tls: true},
	"redis+cluster":   {kind: "cluster"},
	"rediss+cluster":  {kind: "cluster", tls: true},
}

const mend = "; write it like redis://:password@host:6379/0, redis+sentinel://host:26379,host:26379/mymaster or redis+cluster://host:6379,host:6379"

// CheckURL reports what keeps a URL from being opened, without opening it.
func CheckURL(url string, allowInsecure bool) error {
	_, err := readURL(url, allowInsecure)
	return err
}

// readURL reads a URL that is safe to connect to.
func readURL(url string, allowInsecure bool) (target, error) {
	t, err := parseURL(url)
	if err != nil {
		return target{}, err
	}
	return t, t.secure(allowInsecure)
}

// parseURL reads a URL. Its errors name the part that is wrong and never quote the
// whole, which may hold a password.
func parseURL(raw string) (target, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	t, known := schemes[scheme]
	if !ok || !known {
		return target{}, errors.New("redis.url: the scheme is none of redis, rediss, redis+sentinel, redis+cluster" + mend)
	}
	rest, rawQuery, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		if err := t.readUser(authority[:at]); err != nil {
			return target{}, err
		}
		authority = authority[at+1:]
	}
	for _, read := range []func() error{
		func() error { return t.readAddresses(authority) },
		func() error { return t.readPath(path) },
		func() error { return t.readQuery(rawQuery) },
	} {
		if err := read(); err != nil {
			return target{}, err
		}
	}
	return t, nil
}

func (t *target) readUser(user string) error {
	name, password, ok := strings.Cut(user, ":")
	if !ok {
		name, password = "", name // redis://password@host is common
	}
	var err1, err2 error
	t.username, err1 = url.PathUnescape(name)
	t.password, err2 = url.PathUnescape(password)
	if err1 != nil || err2 != nil {
		return errors.New("redis.url: the password holds a stray %; write it as %25")
	}
	return nil
}

func (t *target) readAddresses(list string) error {
	port := "6379"
	if t.kind == "sentinel" {
		port = "26379"
	}
	for _, a := range strings.Split(list, ",") {
		host, p, err := net.SplitHostPort(a)
		if err != nil {
			host, p = strings.Trim(a, "[]"), port
		}
		if n, err := strconv.Atoi(p); host == "" || err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("redis.url: %q is no host:port%s", a, mend)
		}
		t.addrs = append(t.addrs, net.JoinHostPort(host, p))
	}
	if t.kind == "single" && len(t.addrs) > 1 {
		return errors.New("redis.url: several hosts need redis+sentinel:// or redis+cluster://")
	}
	return nil
}

// readPath reads /0 for a single server, /master or /master/0 for Sentinel.
func (t *target) readPath(path string) error {
	path = strings.TrimSuffix(path, "/")
	if t.kind == "sentinel" {
		t.master, path, _ = strings.Cut(path, "/")
		if t.master == "" {
			return errors.New("redis.url: Sentinel's name for the master is missing" + mend)
		}
	}
	if path == "" {
		return nil
	}
	n, err := strconv.Atoi(path)
	if err != nil || n < 0 || t.kind == "cluster" && n > 0 {
		return fmt.Errorf("redis.url: %q is no database%s", path, mend)
	}
	t.db = n
	return nil
}

func (t *target) readQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("redis.url: what follows ? cannot be read" + mend)
	}
	for name, values := range query {
		switch value := values[0]; name {
		case "sentinel_username":
			t.sentinelUsername = value
		case "sentinel_password":
			t.sentinelPassword = value
		case "tls":
			if t.tls, err = strconv.ParseBool(value); err != nil {
				return errors.New("redis.url: tls is neither true nor false")
			}
		default:
			return fmt.Errorf("redis.url: unknown option %q; there are tls, sentinel_username and sentinel_password", name)
		}
	}
	return nil
}

// secure refuses to send what people ask over a network without any protection.
func (t *target) secure(allowed bool) error {
	if allowed || t.tls || t.password != "" {
		return nil
	}
	for _, a := range t.addrs {
		host, _, _ := net.SplitHostPort(a) // readAddresses has joined it
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("redis.url: %s is another host, but there is neither TLS nor a password; use rediss:// or a password, or set redis.allow_insecure", a)
		}
	}
	return nil
}
