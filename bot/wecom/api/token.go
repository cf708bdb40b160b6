package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/credential"

	"aeobot/bot"
)

const (
	// minLife is the shortest life given to an access_token, whatever the platform
	// says: a life of 0 would mean asking before each call. When it dies sooner,
	// the call is told so and asks again.
	minLife = time.Minute
	// maxLife bounds what a wrong answer can do; the documented life is 7,200 s.
	maxLife = 24 * time.Hour
	// maxTokenBytes bounds the access_token, which goes into an address. Documented
	// are at most 512 bytes (91039).
	maxTokenBytes = 2048
	// failureFor is how long a failed gettoken is the answer for everybody, so that
	// a thousand waiting sends do not each ask a platform that is down.
	failureFor = time.Second
	// limitedFor is how long nothing is asked after 45009; the shortest of the
	// platform's units is a minute.
	limitedFor = time.Minute
	// blockedFor is how long nothing is asked after ErrCredential.
	blockedFor = 10 * time.Minute
	// storeTimeout bounds one step of the shared store, which is an optimisation:
	// without it each replica asks for an access_token of its own.
	storeTimeout = 500 * time.Millisecond
)

// grant is an access_token with the end of its life.
type grant struct {
	token   string
	expires time.Time
}

// valid says whether g can be used at now.
func (g grant) valid(now time.Time) bool { return g.token != "" && now.Before(g.expires) }

// tokens keeps the access_token of one application: in memory first, so that a
// store that is away does not stop sending, and in the store, so that replicas
// use one.
//
// One request at a time is under way (the flight). It belongs to nobody's
// context, because a caller that gives up must not fail the others; who waits
// leaves when its own context ends.
type tokens struct {
	name   string     // in the store
	shared bot.Tokens // nil: one replica
	ask    func(context.Context) (grant, error)
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	held    grant
	dead    string // the last access_token the platform refused
	flight  *flight
	failure error     // answer of the last flight, until
	until   time.Time // then
}

// flight is one request for an access_token. got and err are set before landed
// is closed.
type flight struct {
	landed chan struct{}
	got    grant
	err    error
}

// tokenName names an application's access_token in the store. The secret is part
// of it, so that neither another application nor a renewed secret finds it.
func tokenName(corpID, agentID, secret string) string {
	key := sha256.Sum256([]byte(secret))
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %x", corpID, agentID, key))
	return "wecom-app-" + hex.EncodeToString(sum[:16])
}

// get gives an access_token that is believed to be alive.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	if now := t.now(); t.held.valid(now) {
		defer t.mu.Unlock()
		return t.held.token, nil
	} else if t.failure != nil && now.Before(t.until) {
		defer t.mu.Unlock()
		return "", t.failure
	}
	f := t.flight
	if f == nil {
		f = &flight{landed: make(chan struct{})}
		t.flight = f
		go t.fly(f, t.dead)
	}
	t.mu.Unlock()
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("api: access_token: %w", ctx.Err())
	case <-f.landed:
		return f.got.token, f.err
	}
}

// fly brings an access_token other than dead: another replica's, else a new one.
func (t *tokens) fly(f *flight, dead string) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout+2*storeTimeout)
	defer cancel()
	got := t.load(ctx, dead)
	fresh := !got.valid(t.now())
	var err error
	if fresh {
		err = guarded(apiGetToken, func() (err error) {
			got, err = t.ask(ctx)
			return err
		})
	}
	t.land(f, got, err)
	if fresh && err == nil {
		t.save(ctx, got) // after landing: nobody waits for the store
	}
}

// land publishes what the flight brought.
func (t *tokens) land(f *flight, got grant, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flight = nil
	if err != nil {
		f.err = err
		t.fail(err)
	} else {
		f.got, t.held = got, got
		t.failure = nil
	}
	close(f.landed)
}

// fail makes err everybody's answer for a while. mu is held.
func (t *tokens) fail(err error) {
	pause := failureFor
	switch {
	case errors.Is(err, ErrCredential):
		pause = blockedFor
		t.log.Error("access_token: credentials refused, not asking again for a while",
			slog.Any("error", err), slog.Duration("pause", pause))
	case errors.Is(err, ErrRateLimited):
		pause = limitedFor
	}
	t.failure, t.until = err, t.now().Add(pause)
}

// stop forgets the access_token and makes err everybody's answer: the platform
// refused the credentials in another call than gettoken.
func (t *tokens) stop(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = grant{}
	t.fail(err)
}

// drop forgets token, but only while it is still the one in use: who learns late
// of its death must not throw away the successor.
func (t *tokens) drop(ctx context.Context, token string) {
	t.mu.Lock()
	if t.held.token == token {
		t.held = grant{}
	}
	t.dead = token
	t.mu.Unlock()
	if t.shared == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := t.shared.DropToken(ctx, t.name, token); err != nil {
		t.log.Warn("access_token: cannot drop the shared one", slog.Any("error", redact(err, token)))
	}
}

// load gives the shared access_token, or a zero grant. A store that could not drop
// the dead one still has it.
func (t *tokens) load(ctx context.Context, dead string) grant {
	if t.shared == nil {
		return grant{}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	token, expires, err := t.shared.Token(ctx, t.name)
	if err != nil {
		t.log.Warn("access_token: cannot read the shared one", slog.Any("error", redact(err)))
		return grant{}
	}
	if token == dead || len(token) > maxTokenBytes {
		return grant{}
	}
	return grant{token, earlier(expires, t.now().Add(maxLife))}
}

func (t *tokens) save(ctx context.Context, g grant) {
	if t.shared == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := t.shared.SaveToken(ctx, t.name, g.token, g.expires); err != nil {
		t.log.Warn("access_token: cannot share", slog.Any("error", redact(err, g.token)))
	}
}

// errNoToken is returned when gettoken claims success and gives nothing to use.
var errNoToken = errors.New("api: gettoken: answer without a usable access_token")

// getTokenPath is gettoken (91039).
const getTokenPath = platformURL + "/cgi-bin/" + apiGetToken + "?"

// askPlatform asks for an access_token through the SDK. Its context is the only
// limit besides the client's own.
func askPlatform(ctx context.Context, corpID, secret string, now func() time.Time) (grant, error) {
	asked := now() // the life is counted from before the answer
	address := getTokenPath + url.Values{"corpid": {corpID}, "corpsecret": {secret}}.Encode()
	res, err := credential.GetTokenFromServerContext(ctx, address)
	if err != nil {
		return grant{}, fmt.Errorf("api: access_token: %w", redact(err, secret))
	}
	if res.AccessToken == "" || len(res.AccessToken) > maxTokenBytes {
		return grant{}, errNoToken
	}
	return grant{res.AccessToken, asked.Add(lifeOf(res.ExpiresIn))}, nil
}

// lifeOf is how long an access_token is used that is said to live for seconds:
// nine tenths, so that it does not die on the way.
func lifeOf(seconds int64) time.Duration {
	said := time.Duration(min(max(seconds, 0), int64(maxLife/time.Second))) * time.Second
	return max(said/10*9, minLife)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
