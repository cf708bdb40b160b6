package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// poolSize is for the callbacks that wait at once; a pool that is too small makes
// slow answers fail.
func poolSize() int { return max(64, 16*runtime.GOMAXPROCS(0)) }

const (
	minIdle = 8
	// clusterReload is how soon a Cluster's client follows a failover. The default of
	// 60 s left writes failing for as long.
	clusterReload = time.Second
)

// silent keeps go-redis from writing to standard error by itself: each failure
// comes back as an error, which the caller logs.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// setLogger is for the whole process, as go-redis has it.
var setLogger = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

// client makes the client for a target. Measured: with go-redis's own defaults one
// call to a stopped server takes 20 s, with these the step's timeout. Nothing is
// retried, because a repeated write counts twice.
func (t target) client(timeout time.Duration) redis.UniversalClient {
	setLogger()
	var secure *tls.Config
	if t.tls {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch t.kind {
	case "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: t.master, SentinelAddrs: t.addrs, SentinelUsername: t.sentinelUsername, SentinelPassword: t.sentinelPassword,
			Username: t.username, Password: t.password, DB: t.db, TLSConfig: secure,
			DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
			MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: poolSize(), MinIdleConns: minIdle,
			DisableIdentity: true,
		})
	case "cluster":
		// UniversalOptions has no field for the reload interval.
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: t.addrs, Username: t.username, Password: t.password, TLSConfig: secure,
			DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
			MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: poolSize(), MinIdleConns: minIdle,
			ClusterStateReloadInterval: clusterReload, DisableIdentity: true, MaintNotificationsConfig: quiet,
		})
	}
	return redis.NewClient(&redis.Options{
		Addr: t.addrs[0], Username: t.username, Password: t.password, DB: t.db, TLSConfig: secure,
		DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: poolSize(), MinIdleConns: minIdle,
		DisableIdentity: true, MaintNotificationsConfig: quiet, Limiter: &breaker{},
	})
}

// reload makes a Cluster's client look at the map again when a node is gone.
func (s *Store) reload(err error) {
	var network *net.OpError
	if c, ok := s.client.(*redis.ClusterClient); ok && errors.As(err, &network) {
		c.ReloadState(context.Background())
	}
}

// breaker spares callers the wait for a server that is known to be away: after
// some failures in a row it refuses for a moment, then lets one call try. It is
// go-redis's Limiter.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // refuses before
	probing  bool
}

const (
	breakAfter = 5
	breakFor   = 500 * time.Millisecond
)

// ErrOpen means the breaker did not ask Redis, which has just failed several times.
var ErrOpen = errors.New("redisstore: not asked, Redis has just failed several times")

// Allow refuses while the breaker is open, but for one probe at a time.
func (b *breaker) Allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return nil
	}
	if b.probing || time.Now().Before(b.until) {
		return ErrOpen
	}
	b.probing = true
	return nil
}

// ReportResult counts failures of the way to Redis; what Redis itself answers,
// even an error, shows that it is there.
func (b *breaker) ReportResult(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if !away(err) {
		b.failures = 0
		return
	}
	b.failures++
	if b.failures >= breakAfter {
		b.until = time.Now().Add(breakFor)
	}
}

func away(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout)
}
