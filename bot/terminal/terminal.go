// Package terminal is the bot at a command line: one question, or a conversation,
// for people or as JSON Lines for programs. It knows the engine and two streams.
package terminal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"aeobot/bot"
)

// Surface is a terminal: plain text of any length.
var Surface = bot.Surface{Name: "terminal", MaxPages: 1}

// Answerer is the engine as a terminal needs it.
type Answerer interface {
	Answer(ctx context.Context, m bot.Message) (bot.Reply, error)
}

// reply is one reply as JSON, with whose it is and how long it took.
type reply struct {
	Chat string `json:"chat"`
	User string `json:"user"`
	bot.Reply
	TookMS float64 `json:"took_ms"`
}

// ErrInput marks an error in what was typed or piped in.
var ErrInput = errors.New("bad input")

// Ask answers one question and tells whether it had an answer.
func Ask(ctx context.Context, a Answerer, out io.Writer, text, day string, asJSON bool) (answered bool, err error) {
	start := time.Now()
	r, err := a.Answer(ctx, bot.Message{Text: text, Day: day, Surface: Surface})
	if err != nil {
		return false, err
	}
	return r.Answered, write(out, reply{Reply: r, TookMS: since(start)}, asJSON)
}

func since(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }

// write prints a reply in one call, so that a line is never half there.
func write(out io.Writer, r reply, asJSON bool) error {
	var b bytes.Buffer
	if asJSON {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
	} else {
		b.WriteString(r.Text + "\n")
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("terminal: write reply: %w", err)
	}
	return nil
}

// maxLineBytes bounds one line of input.
const maxLineBytes = 1 << 20

// leaving are the words that end a conversation; 再见 has an answer.
var leaving = map[string]bool{"exit": true, "quit": true, "退出": true}

// errLeft means that a person has ended the conversation.
var errLeft = errors.New("terminal: left")

// Chat holds a conversation until in or ctx ends or a person leaves. With prompt, it shows
// one before each line a person types.
func Chat(ctx context.Context, a Answerer, in io.Reader, out io.Writer, prompt string) error {
	err := eachLine(ctx, in, func() { fmt.Fprint(out, prompt) }, func(_ int, line []byte) error {
		text := strings.ToLower(strings.Trim(string(line), " \t　/。.!！"))
		if leaving[text] {
			return errLeft
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		r, err := a.Answer(ctx, bot.Message{Text: string(line), Asker: "terminal", Surface: Surface})
		if err != nil {
			return err
		}
		return write(out, reply{Reply: bot.Reply{Text: r.Text + "\n"}}, false)
	})
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// ChatJSON reads one object a line, {"chat":"g1","user":"u1","text":"…"}, perhaps with
// the text of a quoted message as "quote", and prints one reply a line, in the same
// order and at once.
func ChatJSON(ctx context.Context, a Answerer, in io.Reader, out io.Writer) error {
	return eachLine(ctx, in, func() {}, func(number int, line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var m struct {
			Chat  *string `json:"chat"`
			User  string  `json:"user"`
			Text  *string `json:"text"`
			Quote string  `json:"quote"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf("%w: line %d: %s; write {\"chat\":\"g1\",\"user\":\"u1\",\"text\":\"…\"}", ErrInput, number, err)
		}
		if m.Text == nil {
			return fmt.Errorf("%w: line %d: no \"text\"; write {\"chat\":\"g1\",\"user\":\"u1\",\"text\":\"…\"}", ErrInput, number)
		}
		chat := ""
		if m.Chat != nil {
			chat = *m.Chat
		}
		start := time.Now()
		r, err := a.Answer(ctx, bot.Message{Chat: chat, Asker: bot.Asker(m.User), Text: *m.Text, Quote: m.Quote, Surface: Surface})
		if err != nil {
			return err
		}
		return write(out, reply{chat, m.User, r, since(start)}, true)
	})
}

// eachLine hands on line after line, the last one also without its line break.
func eachLine(ctx context.Context, in io.Reader, before func(), handle func(number int, line []byte) error) error {
	reader := bufio.NewReader(in)
	for number := 1; ; number++ {
		before()
		line, err := readLine(reader)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: line %d: %w", ErrInput, number, err)
		}
		if herr := handle(number, line); herr != nil {
			return herr
		}
		if err != nil {
			return nil
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > maxLineBytes:
			return nil, fmt.Errorf("longer than %d bytes", maxLineBytes)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		}
		return []byte(strings.TrimRight(string(line), "\r\n")), err
	}
}
