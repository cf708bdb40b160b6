package envelope

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// maxBodyBytes bounds a callback. The largest honest one (20,480 bytes of text and
// a quotation of the same size, every character escaped) has some 110 kB.
const maxBodyBytes = 256 << 10

// answerWithin is how long a reply may take: the platform waits 5 s.
const answerWithin = 4 * time.Second

// What became of a callback: the closed set for metrics.
const (
	OutcomeOK        = "ok"        // answered
	OutcomeCheck     = "url_check" // the console's Save button
	OutcomeMethod    = "method"
	OutcomeSize      = "size"
	OutcomeForm      = "form"      // query or wrapping
	OutcomeSignature = "signature" // forged, or a wrong token
	OutcomeStale     = "stale"     // a replay, or a wrong clock
	OutcomeCipher    = "cipher"    // signed, but does not open: a wrong key
	OutcomeFailed    = "failed"    // opened, but the handler failed
)

// Receiver is the HTTP side of a callback: URL check and messages, the same for
// the product that wraps in JSON and the one that wraps in XML.
type Receiver struct {
	Codec *Codec
	// MaxSkew is how far the timestamp may be off.
	//
	// default: no check
	MaxSkew time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log names the check that failed, never the content.
	//
	// default: discard
	Log *slog.Logger
	// Unwrap takes the ciphertext out of a request's body.
	Unwrap func(body []byte) (encrypted string, err error)
	// Handle answers a message. A nil reply is an empty body. Its context ends
	// before the platform gives up.
	Handle func(ctx context.Context, message []byte) (reply []byte, err error)
	// Wrap writes a sealed reply as a body.
	Wrap func(Sealed) (body []byte, contentType string, err error)
	// Count is told each outcome.
	//
	// default: nobody
	Count func(outcome string)

	off     atomic.Int64 // nanoseconds by which the last signed timestamp was off, when that is too much
	warn    sync.Once
	warning rate.Sometimes // set by warn
	unsaid  atomic.Int64   // warnings since the last that was logged
}

// ClockOff is by how much the last signed timestamp was refused as off; 0: it was not.
// Either the clock is wrong here, or somebody sends old callbacks again.
func (r *Receiver) ClockOff() time.Duration { return time.Duration(r.off.Load()) }

// ServeHTTP answers a URL check (GET) or a message (POST). A bad signature or
// timestamp gets 401, whatever fails behind a good signature 400, both without a
// body, so that nobody can use the difference.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch q.Method {
	case http.MethodGet:
		r.check(w, q)
	case http.MethodPost:
		r.message(w, q)
	default:
		w.Header().Set("Allow", "GET, POST")
		r.refuse(w, q, http.StatusMethodNotAllowed, OutcomeMethod, errMethod)
	}
}

// refuse ends a request with a bare status and says why in the log: an error when
// the fault is ours, else a warning, of which a flood is only counted.
func (r *Receiver) refuse(w http.ResponseWriter, q *http.Request, status int, outcome string, err error) {
	r.count(outcome)
	say := func(level slog.Level, unsaid int64) {
		if r.Log != nil {
			r.Log.Log(q.Context(), level, "callback refused", slog.String("path", q.URL.Path), slog.String("outcome", outcome),
				slog.Int("status", status), slog.Any("error", err), slog.Int64("more_unsaid", unsaid))
		}
	}
	if status >= http.StatusInternalServerError {
		say(slog.LevelError, 0)
	} else {
		r.warn.Do(func() { r.warning = rate.Sometimes{First: firstWarnings, Interval: warnEvery} })
		r.unsaid.Add(1)
		r.warning.Do(func() { say(slog.LevelWarn, r.unsaid.Swap(0)-1) })
	}
	w.WriteHeader(status)
}

// Of warnings the first ones are logged, then one in a while.
const (
	firstWarnings = 20
	warnEvery     = 10 * time.Second
)

func (r *Receiver) count(outcome string) {
	if r.Count != nil {
		r.Count(outcome)
	}
}

// parameters are the query of every callback.
type parameters struct{ signature, timestamp, nonce, echo string }

var (
	errMethod = errors.New("envelope: method is neither GET nor POST")
	errQuery  = errors.New("envelope: query lacks msg_signature, timestamp or nonce")
	errEcho   = errors.New("envelope: query lacks echostr")
)

// readQuery decodes the query once; a second time would turn + into a space.
func readQuery(q *http.Request) (parameters, error) {
	values, err := url.ParseQuery(q.URL.RawQuery)
	p := parameters{values.Get("msg_signature"), values.Get("timestamp"), values.Get("nonce"), values.Get("echostr")}
	if err != nil || p.signature == "" || p.timestamp == "" || p.nonce == "" {
		return p, errQuery // err would quote the query
	}
	return p, nil
}

var (
	errStale      = errors.New("envelope: timestamp is outside of the allowed skew")
	timestampForm = regexp.MustCompile(`^\d{10}$`)
)

// fresh judges the timestamp, after the signature has shown who wrote it. Ten
// digits exactly: the parts are signed without separators, so digits could be
// moved between timestamp and nonce and the signature would still fit.
func (r *Receiver) fresh(timestamp string) error {
	if r.MaxSkew <= 0 {
		return nil
	}
	if !timestampForm.MatchString(timestamp) {
		return errStale
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errStale
	}
	off := r.now().Sub(time.Unix(seconds, 0))
	if off > r.MaxSkew || off < -r.MaxSkew {
		r.off.Store(int64(off))
		return fmt.Errorf("%w: off by %s; set the clock, or wecom.max_clock_skew", errStale, off.Round(time.Second))
	}
	r.off.Store(0)
	return nil
}

func (r *Receiver) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// open verifies and decrypts; on failure it has answered the request.
func (r *Receiver) open(w http.ResponseWriter, q *http.Request, p parameters, encrypted string) ([]byte, bool) {
	message, err := r.Codec.Open(p.signature, p.timestamp, p.nonce, encrypted)
	if errors.Is(err, ErrSignature) {
		r.refuse(w, q, http.StatusUnauthorized, OutcomeSignature, err)
		return nil, false
	}
	if stale := r.fresh(p.timestamp); stale != nil {
		r.refuse(w, q, http.StatusUnauthorized, OutcomeStale, stale)
		return nil, false
	}
	if err != nil {
		r.refuse(w, q, http.StatusBadRequest, OutcomeCipher, err)
		return nil, false
	}
	return message, true
}

// check answers the URL check with exactly the decrypted text.
func (r *Receiver) check(w http.ResponseWriter, q *http.Request) {
	p, err := readQuery(q)
	if err == nil && p.echo == "" {
		err = errEcho
	}
	if err != nil {
		r.refuse(w, q, http.StatusBadRequest, OutcomeForm, err)
		return
	}
	echo, ok := r.open(w, q, p, p.echo)
	if !ok {
		return
	}
	r.count(OutcomeCheck)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(echo) // the platform may have gone; there is nobody to tell
}

func (r *Receiver) message(w http.ResponseWriter, q *http.Request) {
	p, err := readQuery(q)
	if err != nil {
		r.refuse(w, q, http.StatusBadRequest, OutcomeForm, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		r.refuse(w, q, http.StatusRequestEntityTooLarge, OutcomeSize, err)
		return
	}
	if err != nil {
		r.refuse(w, q, http.StatusBadRequest, OutcomeForm, err)
		return
	}
	encrypted, err := r.Unwrap(body)
	if err != nil {
		r.refuse(w, q, http.StatusBadRequest, OutcomeForm, err)
		return
	}
	if message, ok := r.open(w, q, p, encrypted); ok {
		r.answer(w, q, p.nonce, message)
	}
}

// answer seals the handler's reply. A failure is answered with 500: messages are
// de-duplicated, so letting the platform deliver again can only help.
func (r *Receiver) answer(w http.ResponseWriter, q *http.Request, nonce string, message []byte) {
	ctx, cancel := context.WithTimeout(q.Context(), answerWithin)
	defer cancel()
	body, contentType, err := r.reply(ctx, nonce, message)
	if err != nil {
		r.refuse(w, q, http.StatusInternalServerError, OutcomeFailed, err)
		return
	}
	r.count(OutcomeOK)
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	_, _ = w.Write(body) // the platform may have gone; it will deliver again
}

func (r *Receiver) reply(ctx context.Context, nonce string, message []byte) (body []byte, contentType string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("envelope: handler panicked: %s\n%s", cause(v), debug.Stack())
		}
	}()
	reply, err := r.Handle(ctx, message)
	if err != nil || reply == nil {
		return nil, "", err
	}
	sealed, err := r.Codec.Seal(reply, strconv.FormatInt(r.now().Unix(), 10), nonce)
	if err != nil {
		return nil, "", err
	}
	return r.Wrap(sealed)
}

// cause describes what was panicked with. Only the runtime's own words are kept:
// any other value may quote a person.
func cause(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", v)
}
