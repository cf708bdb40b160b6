package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"aeobot/bot"
)

const (
	// MaxBytes bounds one text message in bytes of UTF-8, about 680 Chinese
	// characters, as a passive reply and as a sent message alike; the platform cuts
	// the rest silently (90236 and 90241, read in March 2026).
	MaxBytes = 2048
	// duplicateCheck is for how many seconds the platform refuses the same content
	// to the same person again. It catches a second sending by another replica or
	// after a restart, which nothing in this process can.
	//
	// Redeliveries end after some 15 s. A longer time would swallow the second page of
	// a question that somebody honestly asks again.
	duplicateCheck = 60
	// maxCalls bounds the calls of the platform under way at once, and with them the
	// goroutines that wait for the SDK.
	maxCalls = 16
	// maxRetries bounds how often a call is repeated because the platform is busy.
	maxRetries = 3
	// retryDelay is the wait before the first of them; it doubles.
	retryDelay = 300 * time.Millisecond
)

// SenderOptions of a Sender. CorpID, AgentID and Secret are needed.
type SenderOptions struct {
	// BaseURL is where the API is reached: a forward proxy with a fixed address, or
	// a test server. The SDK has one address for the whole process, so all Senders
	// of a process need the same.
	//
	// default: the platform's
	BaseURL string
	// CorpID, AgentID (decimal) and Secret are the application's, from the console.
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

// Sender writes to members of the application. It may be used by many at once.
type Sender struct {
	corpID  string
	agentID int64
	secret  string
	timeout time.Duration
	now     func() time.Time
	tokens  *tokens
	slots   chan struct{} // one element for each call under way
	delay   time.Duration // before the first retry

	mu      sync.Mutex
	limited error     // what every call gets, until
	until   time.Time // then
}

// NewSender checks the settings and gives the SDK its address and HTTP client,
// both once for the whole process. It does not dial.
func NewSender(o SenderOptions) (*Sender, error) {
	agentID, err := strconv.ParseInt(o.AgentID, 10, 64)
	if err != nil || o.CorpID == "" || o.Secret == "" {
		return nil, errors.New("app: sender needs a corp id, a decimal agent id and a secret")
	}
	if err := installGuard(o.BaseURL); err != nil {
		return nil, err
	}
	if o.Timeout <= 0 || o.Timeout > requestTimeout {
		o.Timeout = requestTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sender{corpID: o.CorpID, agentID: agentID, secret: o.Secret, timeout: o.Timeout, now: o.Now,
		slots: make(chan struct{}, maxCalls), delay: retryDelay}
	s.tokens = &tokens{name: tokenName(o.CorpID, o.AgentID, o.Secret), shared: o.Tokens, now: o.Now, log: o.Log,
		ask: func(ctx context.Context) (grant, error) {
			ctx, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			return askPlatform(ctx, o.CorpID, o.Secret, o.Now)
		}}
	return s, nil
}

// Check asks for an access_token, which shows that corp id and secret are right and
// the platform can be reached.
func (s *Sender) Check(ctx context.Context) error {
	_, err := s.tokens.get(ctx)
	return err
}

// SendText writes text to one member. It returns when the platform has taken it,
// has refused it, or ctx has ended; in the last case the text may arrive all the
// same. Errors that are an errcode are an *APIError; none carries a secret, the
// member's id or the text.
func (s *Sender) SendText(ctx context.Context, toUser, text string) error {
	if err := checkText(toUser, text); err != nil {
		return err
	}
	m := textMessage{ToUser: toUser, MsgType: "text", AgentID: s.agentID,
		EnableDuplicateCheck: 1, DuplicateCheckInterval: duplicateCheck}
	m.Text.Content = text
	delay := s.delay
	for try := 0; ; try++ {
		err := s.sendRefreshing(ctx, m)
		if try == maxRetries || !errors.Is(err, ErrBusy) {
			return err
		}
		if err := sleep(ctx, delay); err != nil {
			return fmt.Errorf("app: %s: %w", apiSend, err)
		}
		delay *= 2
	}
}

// checkText refuses what the platform would send to somebody else or cut. toUser
// comes from a callback, but a bar in it would make two recipients, @all everyone.
func checkText(toUser, text string) error {
	switch {
	case toUser == "" || strings.ContainsAny(toUser, "|\n\r\t ") || strings.HasPrefix(toUser, "@"):
		return errors.New("app: recipient is not one member's id")
	case text == "" || len(text) > MaxBytes || !utf8.ValidString(text):
		return fmt.Errorf("app: text must be 1 to %d bytes of UTF-8, is %d bytes", MaxBytes, len(text))
	}
	return nil
}

// sendRefreshing sends once, and once more when the access_token was refused.
func (s *Sender) sendRefreshing(ctx context.Context, m textMessage) error {
	err := s.send(ctx, m)
	if errors.Is(err, ErrAccessToken) {
		err = s.send(ctx, m)
	}
	return err
}

// send is one try, with what its failure means for the calls after it.
func (s *Sender) send(ctx context.Context, m textMessage) error {
	if err := s.pause(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	token, err := s.tokens.get(ctx)
	if err != nil {
		return err
	}
	if err = s.call(ctx, token, m); err == nil {
		return nil
	}
	err = fmt.Errorf("app: %w", redact(err, s.secret, token, m.ToUser, m.Text.Content))
	switch {
	case errors.Is(err, ErrAccessToken):
		s.tokens.drop(ctx, token)
	case errors.Is(err, ErrCredential):
		s.tokens.stop(err)
	case errors.Is(err, ErrRateLimited):
		s.limit(err)
	}
	return err
}

// call hands the message to the SDK, whose Send knows no context: it runs in a
// goroutine of its own, bounded by slots and by the HTTP client's time limit, and
// is left behind when ctx ends.
func (s *Sender) call(ctx context.Context, token string, m textMessage) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", apiSend, ctx.Err())
	}
	done := make(chan error, 1) // the goroutine ends though nobody listens any more
	go func() {
		defer func() { <-s.slots }()
		done <- guarded(apiSend, func() error { return s.callSDK(token, m) })
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", apiSend, ctx.Err())
	}
}

// pause gives the error of before while the platform wants to be left alone.
func (s *Sender) pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limited != nil && s.now().Before(s.until) {
		return s.limited
	}
	return nil
}

// limit slows down after too many calls (45009: blocked for a unit of time). Too
// many at once (45033) is over with the call.
func (s *Sender) limit(err error) {
	var api *APIError
	if !errors.As(err, &api) || api.Code != codeRateLimited {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited, s.until = err, s.now().Add(limitedFor)
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
