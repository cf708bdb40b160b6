package intake

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"aeobot/knowledge"
)

// readCSV reads a table of questions saved as text: by Excel (GB18030, or UTF-16 with
// tabs), by WPS, or by a program (UTF-8).
func readCSV(ctx context.Context, in *reading) error {
	text, err := csvText(in)
	if err != nil {
		return err
	}
	comma := separator(text)
	if first, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(first, "sep=") {
		text = "\n" + rest // Excel's own hint; the empty line keeps the rows' numbers
	}
	if row := wideLine(text, byte(comma)); row > 0 {
		return &Refused{Err: ErrLarge, Message: fmt.Sprintf("第 %d 行有 %d 个以上的单元格", row, maxLineCells), Mend: "核对是不是这个文件；只留要读的列"}
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	f := newFAQ(in, "")
	rows := rowCounter{text: text}
	for {
		before := r.InputOffset()
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			in.problem(Problem{Row: rows.number + 1, Unit: "行", Message: "引号没有成对，从这里起读不下去", Mend: "单元格里的引号写成两个，或用 Excel 重新另存为 CSV"})
			break
		}
		if err != nil {
			return brokenFile(err)
		}
		line, _ := r.FieldPos(0)
		row := tableRow{number: rows.next(before, line), cells: cells}
		switch {
		case f.found:
			err = f.add(ctx, row)
		case row.number > headerRows:
			return noHeader(false)
		case !f.header(row):
			f.titleRow(row)
		}
		if err != nil {
			return err
		}
	}
	if !f.found && len(in.Problems) == 0 {
		return noHeader(false)
	}
	return f.finish()
}

// maxLineCells bounds the cells of one line, of which maxColumns are looked at. What is
// wider must not be cut into cells at all.
const maxLineCells = 10_000

// wideLine is the number of the first line with too many cells, from 1, or 0. Marks within
// quotes count, too.
func wideLine(text string, comma byte) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if len(line) > maxLineCells && strings.Count(line, string(comma)) > maxLineCells {
			return number
		}
	}
	return 0
}

// csvText gives the text in UTF-8.
func csvText(in *reading) (string, error) {
	data := in.data
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
		if err != nil {
			return "", notText(err)
		}
		data = text
	}
	text, converted, err := knowledge.ToUTF8(data)
	if err != nil {
		return "", notText(err)
	}
	in.Converted = converted
	return strings.TrimPrefix(string(text), "\uFEFF"), nil
}

func notText(err error) error {
	if errors.Is(err, knowledge.ErrLarge) {
		return tooMuchText()
	}
	return &Refused{Err: fmt.Errorf("%w: %w", ErrText, err), Message: "不是 UTF-8 或 GB18030 编码的文字", Mend: "用记事本打开，另存为 UTF-8；表格用 Excel 或 WPS 另存为“CSV UTF-8”"}
}

// separator is what parts the cells: what stands most often outside of quotes in the
// first lines.
func separator(text string) rune {
	if rest, ok := strings.CutPrefix(text, "sep="); ok && rest != "" && strings.ContainsRune(",;\t", rune(rest[0])) {
		return rune(rest[0])
	}
	counts := map[rune]int{}
	quoted, lines := false, 0
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '\n':
			if lines++; lines == headerRows {
				return most(counts)
			}
		case strings.ContainsRune(",;\t", r):
			counts[r]++
		}
	}
	return most(counts)
}

func most(counts map[rune]int) rune {
	best := ','
	for _, r := range ";\t" {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// rowCounter numbers rows as a spreadsheet does: a row of several lines counts once, an
// empty line, which the reader passes over, counts too.
type rowCounter struct {
	text   string
	number int
	lines  int // line breaks before at
	at     int
}

// next is the number of the row that begins in a line, from 1, after the bytes read so far.
func (c *rowCounter) next(read int64, line int) int {
	c.lines += strings.Count(c.text[c.at:read], "\n")
	c.at = int(read)
	c.number += max(line-c.lines, 1)
	return c.number
}
