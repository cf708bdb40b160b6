package aibot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// frame is one message of the long connection, either way (page 101463).
type frame struct {
	Command string          `json:"cmd,omitempty"`
	Headers headers         `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`

	ErrCode int // of an answer
	coded   bool
}

// readFrame reads a frame of the platform.
func readFrame(data []byte) (frame, error) {
	o, err := readObject(data)
	if err != nil {
		return frame{}, err
	}
	f := frame{Command: o.text("cmd"), Headers: headers{o.in("headers").text("req_id")}, Body: o.value("body")}
	if f.ErrCode, f.coded = o.number("errcode"); !f.coded && o.value("errcode") != nil {
		return frame{}, errErrCode
	}
	return f, nil
}

// errErrCode means that an answer does not say whether a frame was taken.
var errErrCode = errors.New("errcode is no number")

// callback reports whether a frame is a message or an event. Answers to our frames mostly
// have no command, but may bear any.
func (f frame) callback() bool { return callbacks[f.Command] && len(f.Body) > 0 }

type headers struct {
	RequestID string `json:"req_id"`
}

// Commands.
const (
	cmdSubscribe = "aibot_subscribe"
	cmdPing      = "ping"
	cmdMessage   = "aibot_msg_callback"
	cmdEvent     = "aibot_event_callback"
	cmdCallback  = "aibot_callback" // of earlier years, still in the official plugin
	cmdRespond   = "aibot_respond_msg"
	cmdWelcome   = "aibot_respond_welcome_msg"
	cmdSend      = "aibot_send_msg"
	cmdUpdate    = "aibot_respond_update_msg"
)

// callbacks are the commands by which messages and events come. Which of them a frame is
// says its body.
var callbacks = map[string]bool{cmdMessage: true, cmdEvent: true, cmdCallback: true}

// maxFrameBytes bounds a frame that is read. A message is a few kilobytes, but quoting and
// forwarding has made some of megabytes, and one too large ends the connection.
const maxFrameBytes = 16 << 20

// errNoAck means that the platform did not answer a frame in time.
var errNoAck = errors.New("aibot: no acknowledgement")

// link is one open connection. One goroutine reads it; anybody may call.
type link struct {
	socket *websocket.Conn
	frames atomic.Int64 // read so far
	mu     sync.Mutex
	calls  map[string]chan frame // request id → who waits for answers
}

func newLink(socket *websocket.Conn) *link {
	socket.SetReadLimit(maxFrameBytes)
	return &link{socket: socket, calls: map[string]chan frame{}}
}

// call sends a frame and waits for its answer; errNoAck when none comes in time. With acks
// above one, so many are awaited, the last of which counts: an answer does not say to which
// frame of a request it belongs, and one of a frame before may come late. When there are
// fewer, a refusal may be that frame's, and is as good as no answer.
func (l *link) call(ctx context.Context, command, requestID string, body any, wait time.Duration, acks int) (got frame, err error) {
	f := frame{Command: command, Headers: headers{requestID}}
	if body != nil {
		data, err := encode(body)
		if err != nil {
			return frame{}, err
		}
		f.Body = data
	}
	data, err := encode(f)
	if err != nil {
		return frame{}, err
	}
	answer := make(chan frame, acks)
	l.mu.Lock()
	l.calls[requestID] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		if l.calls[requestID] == answer {
			delete(l.calls, requestID)
		}
		l.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := l.socket.Write(ctx, websocket.MessageText, data); err != nil {
		return frame{}, fmt.Errorf("aibot: %s: %w", command, err)
	}
	for n := range acks {
		select {
		case got = <-answer:
		case <-ctx.Done():
			if n > 0 && got.ErrCode == 0 {
				return got, nil
			}
			return frame{}, fmt.Errorf("%w of %s", errNoAck, command)
		}
	}
	return got, nil
}

// read hands on every command until the connection ends. An answer goes to who
// waits for it; one that comes too late is nobody's.
func (l *link) read(ctx context.Context, handle func(frame), unreadable func(data []byte, why error)) error {
	for {
		_, data, err := l.socket.Read(ctx)
		if err != nil {
			return fmt.Errorf("aibot: connection: %w", err)
		}
		l.frames.Add(1)
		switch f, err := readFrame(data); {
		case err != nil:
			unreadable(data, err)
		case f.callback():
			handle(f)
		case !l.answered(f) && !f.coded: // one with a code came too late
			unreadable(data, errNoCallback)
		}
	}
}

// errNoCallback means that a frame is neither a callback nor an answer.
var errNoCallback = errors.New("neither a callback nor an answer")

// answered gives an answer to who waits for it; false: nobody does.
func (l *link) answered(f frame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer := l.calls[f.Headers.RequestID]
	if answer == nil {
		return false
	}
	select {
	case answer <- f:
	default: // it has enough
	}
	return true
}

// newRequestID names a frame of ours, as the official SDK does.
func newRequestID(command string) string {
	return fmt.Sprintf("%s_%d_%s", command, time.Now().UnixMilli(), rand.Text()[:8])
}
