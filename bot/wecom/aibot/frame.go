package aibot

import (
	"bytes"
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

// frame is one message of the long connection, either way (page 101463). Answers to
// our frames have no command.
type frame struct {
	Command string          `json:"cmd,omitempty"`
	Headers headers         `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`
	ErrCode int             `json:"errcode,omitempty"`
}

type headers struct {
	RequestID string `json:"req_id"`
}

// Commands.
const (
	cmdSubscribe = "aibot_subscribe"
	cmdPing      = "ping"
	cmdMessage   = "aibot_msg_callback"
	cmdEvent     = "aibot_event_callback"
	cmdRespond   = "aibot_respond_msg"
	cmdWelcome   = "aibot_respond_welcome_msg"
	cmdSend      = "aibot_send_msg"
	cmdUpdate    = "aibot_respond_update_msg"
)

// maxFrameBytes bounds a frame that is read: messages are a few kilobytes, quoted
// ones some more.
const maxFrameBytes = 1 << 20

// errNoAck means that the platform did not answer a frame in time.
var errNoAck = errors.New("aibot: no acknowledgement")

// link is one open connection. One goroutine reads it; anybody may call.
type link struct {
	socket *websocket.Conn
	frames atomic.Int64 // read so far
	mu     sync.Mutex
	calls  map[string]chan frame // request id → who waits for the answer
}

func newLink(socket *websocket.Conn) *link {
	socket.SetReadLimit(maxFrameBytes)
	return &link{socket: socket, calls: map[string]chan frame{}}
}

// call sends a frame and waits for its answer; errNoAck when none comes in time.
func (l *link) call(ctx context.Context, command, requestID string, body any, wait time.Duration) (frame, error) {
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
	answer := make(chan frame, 1)
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
	select {
	case got := <-answer:
		return got, nil
	case <-ctx.Done():
		return frame{}, fmt.Errorf("%w of %s", errNoAck, command)
	}
}

// read hands on every command until the connection ends. An answer goes to who
// waits for it; one that comes too late is nobody's.
func (l *link) read(ctx context.Context, handle func(frame)) error {
	for {
		_, data, err := l.socket.Read(ctx)
		if err != nil {
			return fmt.Errorf("aibot: connection: %w", err)
		}
		l.frames.Add(1)
		var f frame
		if err := json.Unmarshal(withoutControls(data), &f); err != nil {
			handle(frame{Command: "?"}) // counted; the next frame may be fine
			continue
		}
		if f.Command != "" {
			handle(f)
			continue
		}
		l.mu.Lock()
		answer := l.calls[f.Headers.RequestID]
		delete(l.calls, f.Headers.RequestID)
		l.mu.Unlock()
		if answer != nil {
			answer <- f
		}
	}
}

// withoutControls makes JSON of what has raw control characters within its strings,
// which the platform sends when people paste them.
func withoutControls(data []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, data)
}

// newRequestID names a frame of ours, as the official SDK does.
func newRequestID(command string) string {
	return fmt.Sprintf("%s_%d_%s", command, time.Now().UnixMilli(), rand.Text()[:8])
}
