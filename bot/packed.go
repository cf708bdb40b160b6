package bot

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrPacked means that a packed value is larger than it may be.
var ErrPacked = errors.New("bot: a packed value is larger than it may be")

// What gzip makes of text is seldom ten times smaller; a thousand times is what somebody made
// who wants to fill the memory.
const (
	packedRatio = 64
	packedFloor = 16 << 20 // bytes that are unpacked whatever the ratio is
)

// packedMost bounds what some packed bytes may unpack to, where the value may have most.
func packedMost(packed int, most int64) int64 {
	return min(most, packedFloor+int64(packed)*packedRatio)
}

// Pack is a value as JSON, small enough for a store. It fails with ErrPacked for one that
// Unpack would refuse.
func Pack(v any, most int64) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	c := &counter{w: z}
	if err := errors.Join(json.NewEncoder(c).Encode(v), z.Close()); err != nil {
		return nil, err
	}
	if limit := packedMost(b.Len(), most); c.n > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrPacked, c.n, limit)
	}
	return b.Bytes(), nil
}

// Unpack reads what Pack made.
func Unpack(data []byte, most int64, v any) error {
	r, err := Unpacked(data, most)
	if err != nil {
		return err
	}
	return json.NewDecoder(r).Decode(v)
}

// Unpacked reads what gzip made and a store kept: most bytes, and no more than such packed
// bytes come from. What is more fails with ErrPacked.
func Unpacked(data []byte, most int64) (io.Reader, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return &bounded{z, packedMost(len(data), most)}, nil
}

type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrPacked
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrPacked
	}
	return n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
