package intake

import (
	"errors"
	"io"
)

// What one piece of XML may take. Word's longest tags hold some 4 kB of namespaces; no
// run and no cell holds a megabyte.
const (
	maxTag  = 256 << 10
	maxText = 1 << 20
)

var errPiece = errors.New("a tag or a text is too long")

// xmlGuard ends a part in which a single tag or text is too long, before the decoder,
// which has no bound of its own, puts it together in memory.
type xmlGuard struct {
	r    io.Reader
	in   piece
	size int // bytes of the piece so far
}

// piece is what a byte of XML belongs to.
type piece byte

const (
	inText   piece = 0
	inOpened piece = '<'  // right behind <
	inTag    piece = 't'  // a tag, outside of quotes
	inDouble piece = '"'  // a value in double quotes
	inSingle piece = '\'' // a value in single quotes
	inOther  piece = '!'  // a comment, CDATA or declaration, in which quotes mean nothing
)

// after is the piece that follows a byte; start reports whether it begins there.
func (in piece) after(c byte) (next piece, start bool) {
	switch in {
	case inText:
		if c == '<' {
			return inOpened, true
		}
	case inOpened:
		if c == '!' || c == '?' {
			return inOther, false
		}
		return inTag.after(c)
	case inTag:
		switch c {
		case '>':
			return inText, true
		case '"', '\'':
			return piece(c), false
		}
		return inTag, false
	case inDouble, inSingle:
		if c == byte(in) {
			return inTag, false
		}
	case inOther:
		if c == '>' {
			return inText, true
		}
	}
	return in, false
}

func (g *xmlGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for _, c := range p[:n] {
		next, start := g.in.after(c)
		if g.in = next; start {
			g.size = 0
		}
		if g.size++; g.size > maxText || g.size > maxTag && g.in != inText {
			return 0, errPiece
		}
	}
	return n, err
}
