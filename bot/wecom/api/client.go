package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/work"

	"aeobot/bot"
)

const (
	// maxCalls bounds the calls of the platform under way at once, and with them the
	// goroutines that wait for the SDK.
	maxCalls = 16
	// maxRetries bounds how often a call is repeated because the platform is busy.
	maxRetries = 3
	// retryDelay is the wait before the first of them; it doubles.
	retryDelay = 300 * time.Millisecond
)

// Options of a Client. CorpID and Secret are needed.
type Options struct {
	// BaseURL is where the API is reached: a forward proxy with a fixed address, or
	// a test server. The SDK has one address for the whole process, so all Clients
	// of a process need the same.
	//
	// default: the platform's
	BaseURL string
	// CorpID, AgentID (decimal; only an application has one) and Secret are from the
	// console.
	CorpID, AgentID, Secret string
	// Tokens shares the access_token with the other replicas.
	//
	// default: nobody
	Tokens bot.Tokens
	// Timeout bounds one call of the platform; more than the default is cut to it.
	//
	// default: 5 seconds
	Timeout time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of trouble with the access_token, without secrets.
	//
	// default: discard
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Timeout <= 0 || o.Timeout > requestTimeout {
		o.Timeout = requestTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// source is where a Client gets what goes into an address as credential.
type source interface {
	get(ctx context.Context) (string, error)
	// drop and stop are told what the platform thinks of it.
	drop(ctx context.Context, token string)
	stop(err error)
}

// Client calls the platform with one application's credentials. It may be used by
// many at once.
type Client struct {
	corpID  string
	agentID string
	secret  string
	timeout time.Duration
	now     func() time.Time
	tokens  source
	slots   chan struct{} // one element for each call under way
	delay   time.Duration // before the first retry

	mu      sync.Mutex
	limited error     // what every call gets, until
	until   time.Time // then
	trouble error     // of the last call, when an operator must mend it
}

// New checks the settings and gives the SDK its address and HTTP client, both once
// for the whole process. It does not dial.
func New(o Options) (*Client, error) {
	if o.CorpID == "" || o.Secret == "" {
		return nil, errors.New("api: client needs a corp id and a secret")
	}
	c, err := newClient(&o)
	if err != nil {
		return nil, err
	}
	c.tokens = &tokens{name: tokenName(o.CorpID, o.AgentID, o.Secret), shared: o.Tokens, now: o.Now, log: o.Log,
		ask: func(ctx context.Context) (grant, error) {
			ctx, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			return askPlatform(ctx, o.CorpID, o.Secret, o.Now)
		}}
	return c, nil
}

// NewKeyed makes a client for a group's push robot, whose key is all the credential
// there is. CorpID and Secret are not needed.
func NewKeyed(key string, o Options) (*Client, error) {
	if key == "" {
		return nil, errors.New("api: client needs a key")
	}
	o.Secret = key
	c, err := newClient(&o)
	if err != nil {
		return nil, err
	}
	c.tokens = given(key)
	return c, nil
}

func newClient(o *Options) (*Client, error) {
	if err := installGuard(o.BaseURL); err != nil {
		return nil, err
	}
	o.setDefaults()
	return &Client{corpID: o.CorpID, agentID: o.AgentID, secret: o.Secret, timeout: o.Timeout, now: o.Now,
		slots: make(chan struct{}, maxCalls), delay: retryDelay}, nil
}

// Check asks for an access_token, which shows that corp id and secret are right and
// the platform can be reached.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.tokens.get(ctx)
	c.note(err)
	return err
}

// Trouble is what an operator must mend before calls can succeed (an address that is
// not trusted, credentials, too many calls), or nil. It is that of the latest call.
func (c *Client) Trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// note keeps or clears what an operator must mend.
func (c *Client) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.trouble = nil
	case errors.Is(err, ErrUntrustedIP), errors.Is(err, ErrCredential), errors.Is(err, ErrRateLimited), errors.Is(err, ErrForbidden):
		c.trouble = err
	}
}

// Call makes one call of the platform through the SDK: again when the platform is
// busy, and once more when the access_token was refused. It returns when the platform
// has answered or ctx has ended; in the last case the call may succeed all the same.
// Errors that are an errcode are an *APIError; none carries a secret or any of
// private, which are words and ids that the platform may repeat.
func (c *Client) Call(ctx context.Context, api string, private []string, call func(*work.Work) error) error {
	delay := c.delay
	for try := 0; ; try++ {
		err := c.refreshing(ctx, api, private, call)
		if try == maxRetries || !errors.Is(err, ErrBusy) {
			c.note(err)
			return err
		}
		if err := sleep(ctx, delay); err != nil {
			return fmt.Errorf("api: %s: %w", api, err)
		}
		delay *= 2
	}
}

// Try is Call for callers that wait themselves when the platform is busy.
func (c *Client) Try(ctx context.Context, api string, private []string, call func(*work.Work) error) error {
	err := c.refreshing(ctx, api, private, call)
	c.note(err)
	return err
}

// refreshing calls once, and once more when the access_token was refused.
func (c *Client) refreshing(ctx context.Context, api string, private []string, call func(*work.Work) error) error {
	err := c.once(ctx, api, private, call)
	if errors.Is(err, ErrAccessToken) {
		err = c.once(ctx, api, private, call)
	}
	return err
}

// once is one try, with what its failure means for the calls after it.
func (c *Client) once(ctx context.Context, api string, private []string, call func(*work.Work) error) error {
	if err := c.pause(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	token, err := c.tokens.get(ctx)
	if err != nil {
		return err
	}
	if err = c.bounded(ctx, api, func() error { return call(c.sdk(token)) }); err == nil {
		return nil
	}
	err = fmt.Errorf("api: %w", redact(err, append([]string{c.secret, token}, private...)...))
	switch {
	case errors.Is(err, ErrAccessToken):
		c.tokens.drop(ctx, token)
	case errors.Is(err, ErrCredential):
		c.tokens.stop(err)
	case errors.Is(err, ErrRateLimited):
		c.limit(err)
	}
	return err
}

// bounded runs a call of the SDK, which knows no context: in a goroutine of its own,
// bounded by slots and by the HTTP client's time limit, and left behind when ctx ends.
func (c *Client) bounded(ctx context.Context, api string, call func() error) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", api, ctx.Err())
	}
	done := make(chan error, 1) // the goroutine ends though nobody listens any more
	go func() {
		defer func() { <-c.slots }()
		done <- guarded(api, call)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", api, ctx.Err())
	}
}

// pause gives the error of before while the platform wants to be left alone.
func (c *Client) pause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limited != nil && c.now().Before(c.until) {
		return c.limited
	}
	return nil
}

// limit slows down after too many calls (45009: blocked for a unit of time). Too
// many at once (45033) is over with the call.
func (c *Client) limit(err error) {
	var api *APIError
	if !errors.As(err, &api) || api.Code != codeRateLimited {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limited, c.until = err, c.now().Add(limitedFor)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
