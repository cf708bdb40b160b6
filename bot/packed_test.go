package bot_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"aeobot/bot"
)

// zipped is gzip of as many MB of one letter, in an array of JSON or plain.
func zipped(t *testing.T, mb int, head, tail string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, head)
	for range mb {
		if err == nil {
			_, err = z.Write(bytes.Repeat([]byte("A"), 1<<20))
		}
	}
	if err == nil {
		_, err = io.WriteString(z, tail)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUnpackingIsBounded, by what a value may have and by what such packed bytes come from;
// what is packed is always read again.
func TestUnpackingIsBounded(t *testing.T) {
	bomb := zipped(t, 600, `"`, `"`)
	for most := range map[int64]bool{1 << 20: true, 64 << 20: true, 1 << 40: true} {
		r, err := bot.Unpacked(bomb, most)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if !errors.Is(err, bot.ErrPacked) || n > most || n > 64<<20 {
			t.Errorf("of %d packed bytes %d were unpacked, at most %d: %v", len(bomb), n, most, err)
		}
		var text string
		if err := bot.Unpack(bomb, most, &text); !errors.Is(err, bot.ErrPacked) || text != "" {
			t.Errorf("a text of %d bytes, at most %d: %v", len(text), most, err)
		}
	}
	for name, v := range map[string]string{"empty": "", "short": "担保", "the same again and again": strings.Repeat("一样的话。", 1<<20), "text": digits(4 << 20)} {
		data, err := bot.Pack(v, 64<<20)
		var got string
		if err == nil {
			err = bot.Unpack(data, 64<<20, &got)
		}
		if err != nil || got != v {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(v), err)
		}
	}
	for name, most := range map[string]int64{strings.Repeat("A", 40<<20): 1 << 40, digits(2 << 20): 1 << 20} {
		if data, err := bot.Pack(name, most); !errors.Is(err, bot.ErrPacked) {
			t.Errorf("packed %d bytes that nobody will unpack into %d: %v", len(name), len(data), err)
		}
	}
}

func digits(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprint(&b, i*7919)
	}
	return b.String()
}
