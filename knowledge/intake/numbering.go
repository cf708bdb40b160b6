package intake

import (
	"encoding/xml"
	"strconv"
	"strings"
)

const (
	// maxStyles bounds the styles and the lists of a document; those edited for years by
	// many have some hundreds.
	maxStyles = 10_000
	// maxLevelText bounds what a list puts around its numbers, in bytes: each paragraph has it.
	maxLevelText = 256
)

// numbering renders the numbers of Word's automatic lists, which stand nowhere in the
// text. The rules are those of ECMA-376 part 1, 17.9: lists of one abstract numbering
// count together; a level starts again when one above it has moved.
type numbering struct {
	abstract map[string]*abstractList
	lists    map[string]*list
}

type abstractList struct {
	levels [9]listLevel
	link   string // the style whose list it stands for
	count  [9]int
	begun  [9]bool
}

type listLevel struct {
	start   int
	format  string
	text    string // 第%1条
	legal   bool   // all numbers in digits
	restart int    // the level, from 1, that makes it start again; -1: the one above
	style   string // the paragraph style it belongs to
}

type list struct {
	of       *abstractList
	starts   map[int]int // where this list starts, other than the abstract one
	override map[int]listLevel
	used     map[int]bool
}

// readNumbering reads word/numbering.xml; without it there are no lists.
func readNumbering(a *archive) (*numbering, error) {
	n := &numbering{abstract: map[string]*abstractList{}, lists: map[string]*list{}}
	err := a.each("word/numbering.xml", func(x *xmlReader, e xml.StartElement) error {
		switch e.Name.Local {
		case "abstractNum":
			l, err := readAbstract(x)
			if n.abstract[attr(e, "abstractNumId")] = l; len(n.abstract) > maxStyles {
				return errMany
			}
			return err
		case "num":
			return n.readList(x, attr(e, "numId"))
		}
		return nil
	})
	return n, err
}

// within calls what for every start element inside the one just opened.
func within(x *xmlReader, what func(xml.StartElement) error) error {
	for depth := x.depth; ; {
		t, err := x.next()
		if err != nil {
			return err
		}
		if x.depth < depth {
			return nil
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := what(e); err != nil {
				return err
			}
		}
	}
}

func readAbstract(x *xmlReader) (*abstractList, error) {
	l := &abstractList{}
	for i := range l.levels {
		l.levels[i] = listLevel{start: 1, format: "decimal", restart: -1}
	}
	err := within(x, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "numStyleLink":
			l.link = attr(e, "val")
		case "lvl":
			if i, ok := levelOf(attr(e, "ilvl")); ok {
				return l.levels[i].read(x)
			}
		}
		return nil
	})
	return l, err
}

func levelOf(s string) (int, bool) {
	i, err := strconv.Atoi(s)
	return i, err == nil && i >= 0 && i < 9
}

func (l *listLevel) read(x *xmlReader) error {
	return within(x, func(e xml.StartElement) error {
		v := attr(e, "val")
		switch e.Name.Local {
		case "start":
			l.start = listNumber(v)
		case "numFmt":
			l.format = v
		case "lvlText":
			if l.text = v; len(v) > maxLevelText {
				return errPiece
			}
		case "isLgl":
			l.legal = v != "0" && v != "false"
		case "lvlRestart":
			l.restart = listNumber(v)
		case "pStyle":
			l.style = v
		}
		return nil
	})
}

// listNumber reads a number that cannot be used to make a label of a million letters.
func listNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return min(max(n, 0), 100_000)
}

func (n *numbering) readList(x *xmlReader, id string) error {
	l := &list{starts: map[int]int{}, override: map[int]listLevel{}, used: map[int]bool{}}
	level := -1
	err := within(x, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "abstractNumId":
			l.of = n.abstract[attr(e, "val")]
		case "lvlOverride":
			level, _ = levelOf(attr(e, "ilvl"))
		case "startOverride":
			l.starts[level] = listNumber(attr(e, "val"))
		case "lvl":
			over := listLevel{start: 1, format: "decimal", restart: -1}
			err := over.read(x)
			l.override[level] = over
			return err
		}
		return nil
	})
	if l.of != nil {
		n.lists[id] = l
	}
	if len(n.lists) > maxStyles {
		return errMany
	}
	return err
}

// level is what holds for a level of a list.
func (l *list) level(i int) listLevel {
	if o, ok := l.override[i]; ok {
		return o
	}
	return l.of.levels[i]
}

// next counts on and gives the label as Word shows it; bullet is set for a list without
// numbers.
func (n *numbering) next(id string, level int) (label string, bullet bool) {
	l := n.lists[id]
	if l == nil {
		return "", false
	}
	a, at := l.of, l.level(level)
	start, own := l.starts[level]
	switch {
	case own && !l.used[level]:
		a.count[level] = start
	case !a.begun[level]:
		a.count[level] = at.start
		if own {
			a.count[level] = start
		}
	default:
		a.count[level]++
	}
	a.begun[level], l.used[level] = true, true
	for i := level + 1; i < len(a.begun); i++ {
		if r := l.level(i).restart; r < 0 || r > level {
			a.begun[i] = false
		}
	}
	if at.format == "bullet" {
		return "", true
	}
	if at.format == "none" {
		return strings.TrimSpace(strings.ReplaceAll(at.text, "%"+strconv.Itoa(level+1), "")), false
	}
	return l.label(level), false
}

// label puts the numbers of this level and those above into the level's text.
func (l *list) label(level int) string {
	at := l.level(level)
	text := at.text
	for i := range level + 1 {
		up := l.level(i)
		count := l.of.count[i]
		if !l.of.begun[i] {
			count = up.start
		}
		format := up.format
		if at.legal {
			format = "decimal"
		}
		text = strings.ReplaceAll(text, "%"+strconv.Itoa(i+1), listDigits(format, count))
	}
	return text
}

// listDigits writes a number in one of the formats of ECMA-376 part 1, 17.18.59; those
// that no Chinese or English text uses are written in digits.
func listDigits(format string, n int) string {
	switch format {
	case "none", "bullet":
		return ""
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case "decimalFullWidth", "decimalFullWidth2":
		return strings.Map(func(r rune) rune { return r - '0' + '０' }, strconv.Itoa(n))
	case "decimalEnclosedCircle", "decimalEnclosedCircleChinese":
		return enclosed('①', 20, n)
	case "decimalEnclosedParen":
		return enclosed('⑴', 20, n)
	case "decimalEnclosedFullstop":
		return enclosed('⒈', 20, n)
	case "ideographEnclosedCircle":
		return enclosed('㊀', 10, n)
	case "chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting", "taiwaneseCountingThousand", "koreanCounting":
		return hanCount(n, "零一二三四五六七八九", "十百千万")
	case "ideographDigital", "japaneseDigitalTenThousand", "taiwaneseDigital", "koreanDigital2":
		return hanEach(n)
	case "chineseLegalSimplified", "ideographLegalTraditional", "japaneseLegal":
		return hanCount(n, "零壹贰叁肆伍陆柒捌玖", "拾佰仟万")
	case "ideographTraditional":
		return cycle("甲乙丙丁戊己庚辛壬癸", n)
	case "ideographZodiac":
		return cycle("子丑寅卯辰巳午未申酉戌亥", n)
	case "lowerLetter":
		return strings.ToLower(letters(n))
	case "upperLetter":
		return letters(n)
	case "lowerRoman":
		return strings.ToLower(roman(n))
	case "upperRoman":
		return roman(n)
	}
	return strconv.Itoa(n)
}

func enclosed(first rune, count, n int) string {
	if n < 1 || n > count {
		return strconv.Itoa(n)
	}
	return string(first + rune(n-1))
}

// cycle goes round a row of signs, as Word does.
func cycle(signs string, n int) string {
	r := []rune(signs)
	if n < 1 {
		return strconv.Itoa(n)
	}
	return string(r[(n-1)%len(r)])
}

// letters counts A to Z, then AA, BB: the letter repeated, as Word does.
func letters(n int) string {
	if n < 1 || n > 780 {
		return strconv.Itoa(n)
	}
	return strings.Repeat(string(rune('A'+(n-1)%26)), (n-1)/26+1)
}

func roman(n int) string {
	if n < 1 || n > 3999 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, d := range []struct {
		value int
		sign  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.sign)
		}
	}
	return b.String()
}

// hanEach writes a number digit by digit: 一〇.
func hanEach(n int) string {
	return strings.Map(func(r rune) rune { return []rune("〇一二三四五六七八九")[r-'0'] }, strconv.Itoa(n))
}

// hanCount writes 一百二十三, and 十一 rather than 一十一.
func hanCount(n int, digits, units string) string {
	if n < 1 || n > 9999 {
		return strconv.Itoa(n)
	}
	d, u := []rune(digits), []rune(units)
	s := strconv.Itoa(n)
	var b strings.Builder
	zero := false
	for i, r := range s {
		power := len(s) - 1 - i
		if r == '0' {
			zero = true
			continue
		}
		if zero && b.Len() > 0 {
			b.WriteRune(d[0])
		}
		zero = false
		if !(r == '1' && power == 1 && i == 0) {
			b.WriteRune(d[r-'0'])
		}
		if power > 0 {
			b.WriteRune(u[power-1])
		}
	}
	return b.String()
}
