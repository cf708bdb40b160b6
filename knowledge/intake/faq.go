package intake

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/width"

	"aeobot/knowledge"
)

// column is one of the template's columns.
type column int

const (
	colSection column = iota
	colNumber
	colText
	colAsk
	colKeywords
	colUnlike
	colStatus
	colFrom
	colTo
	colNote
	columnCount
)

// columns are the headers of the template, with what else people call them. To take
// another name for a column: add it here.
var columns = [columnCount]struct {
	header  string
	also    string // parted by spaces
	example [2]string
	help    string
}{
	colSection: {"节", "章节 分类 类别 类型 栏目 主题 小节 标题 模块 所属类别 问题分类 一级分类 section", [2]string{"海关直接激励措施", "海关直接激励措施"},
		"标题。留空就和上一行在同一节。"},
	colNumber: {"编号", "序号 条号 条目 号 序 no no. number", [2]string{"1", "2"},
		"这一条在节里的编号，原文是几就写几。留空就接着上一行编。"},
	colText: {"原文", "答案 回答 答复 答 内容 条文 措施 标准答案 解答 原文内容 answer text", [2]string{"适用较低的货物查验率", "可向海关申请免除担保"},
		"必填。回答时逐字引用的话。"},
	colAsk: {"问法", "问题 问 提问 常见问法 标准问 标准问题 相似问 相似问法 相似问题 别人怎么问 question questions", [2]string{"查验率会降低吗\n查验会少一些吗", "能免除担保吗；担保可以不交吗"},
		"别人会怎么问。几种问法用换行或“；”隔开。"},
	colKeywords: {"关键词", "关键字 关键词语 标签 keyword keywords tags", [2]string{"查验率", "免担保、担保"},
		"一看到就知道是这一条的词，用“、”或换行隔开。"},
	colUnlike: {"易混", "易混词 易混淆 不是 排除 unlike", [2]string{"", "银行担保=那是融资，不是海关担保"},
		"看着像、其实不是问这一条的词，写成“词=为什么”，用换行或“；”隔开。"},
	colStatus: {"状态", "效力 有效性 status", [2]string{"现行", "current"},
		"现行、内容已变、已被取代、各地不同、尚未核实（或 current、changed、superseded、regional、unsure）。留空就是现行。"},
	colFrom: {"生效日期", "施行日期 生效 开始日期 起始日期 生效日 起 from", [2]string{"2026-04-01", ""},
		"“状态”从哪天起，写成 2026-04-01。留空就是一直如此。现行的条文，在这天以前问到会注明哪天起生效。"},
	colTo: {"失效日期", "截止日期 失效 结束日期 有效期至 有效至 到期日 止 to", [2]string{"", "2027-03-31"},
		"“状态”最后的一天，写成 2027-03-31。现行的条文，从次日起回答时注明有效期已过。"},
	colNote: {"备注", "说明 注 提示 note", [2]string{"", "以当地海关答复为准。"},
		"给提问的人看的话，显示在原文下面，一两句。"},
}

// statusNames are what may stand in the column 状态.
var statusNames = map[string]knowledge.Status{
	"current": knowledge.StatusCurrent, "现行": knowledge.StatusCurrent, "现行有效": knowledge.StatusCurrent, "有效": knowledge.StatusCurrent,
	"changed": knowledge.StatusChanged, "内容已变": knowledge.StatusChanged, "已变": knowledge.StatusChanged, "有变化": knowledge.StatusChanged, "已修改": knowledge.StatusChanged,
	"superseded": knowledge.StatusSuperseded, "已被取代": knowledge.StatusSuperseded, "已取代": knowledge.StatusSuperseded, "已废止": knowledge.StatusSuperseded, "废止": knowledge.StatusSuperseded, "失效": knowledge.StatusSuperseded, "已失效": knowledge.StatusSuperseded,
	"regional": knowledge.StatusRegional, "各地不同": knowledge.StatusRegional, "地方": knowledge.StatusRegional, "因地而异": knowledge.StatusRegional,
	"unsure": knowledge.StatusUnsure, "尚未核实": knowledge.StatusUnsure, "未核实": knowledge.StatusUnsure, "待核实": knowledge.StatusUnsure, "不确定": knowledge.StatusUnsure,
}

const (
	// maxRows bounds a table.
	maxRows = 20_000
	// maxColumns is how far to the right columns are looked at.
	maxColumns = 100
	// headerRows is how far down the header may stand, below a title and explanations.
	headerRows = 20
	// maxHeadingRunes bounds a section's heading, maxAskRunes a way to ask, a keyword or a
	// note.
	maxHeadingRunes = 100
	maxAskRunes     = 300
	// maxListed bounds the ways to ask or the keywords of one cell.
	maxListed = 200
	// maxSectionNumber bounds an item's number.
	maxSectionNumber = 1_000_000
)

// tableRow is one row: the cells as shown, and which of them lie in a merged cell that
// began in a row above.
type tableRow struct {
	number int
	cells  []string
	merged []bool
}

func (r tableRow) cell(i int) string {
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	if i < len(r.merged) && r.merged[i] {
		return r.cells[i] // clean since the row it began in
	}
	return strings.TrimSpace(clean(r.cells[i]))
}

func (r tableRow) empty() bool {
	return !slices.ContainsFunc(r.cells, func(c string) bool { return strings.TrimSpace(clean(c)) != "" })
}

// faq makes a document of a table of questions, row by row.
type faq struct {
	in    *reading
	title string // above the header
	sheet string // the sheet's name, when somebody gave it one
	at    [columnCount]int
	found bool // the header

	sections []*faqSection
	byName   map[string]*faqSection
	current  *faqSection
	last     *faqMeasure
	asked    map[string]int // a way to ask → the row that has it
	rows     int
	cells    int // of a sheet, read so far
	size     int // bytes of the text kept so far
	hidden   int // rows with words in them
}

type faqSection struct {
	heading  string
	measures []*faqMeasure
	rows     map[int]int // number → row
}

type faqMeasure struct {
	row    int
	number int
	text   string
	notes  faqNotes
}

// faqNotes are written into the sidecar; see knowledge.Notes.
type faqNotes struct {
	Ask      []string    `yaml:"ask,omitempty"`
	Keywords []string    `yaml:"keywords,omitempty"`
	Unlike   []faqUnlike `yaml:"unlike,omitempty"`
	States   []faqState  `yaml:"states,omitempty"`
}

type faqUnlike struct {
	Term string `yaml:"term"`
	Why  string `yaml:"why"`
}

type faqState struct {
	Status knowledge.Status `yaml:"status"`
	From   string           `yaml:"from,omitempty"`
	To     string           `yaml:"to,omitempty"`
	Note   string           `yaml:"note,omitempty"`
}

func newFAQ(in *reading, sheet string) *faq {
	return &faq{in: in, sheet: sheet, byName: map[string]*faqSection{}, asked: map[string]int{}}
}

// headerName folds what people add to headers: width, case, marks, what is in brackets.
func headerName(s string) string {
	s = strings.ToLower(width.Narrow.String(strings.Join(strings.Fields(clean(s)), "")))
	if i := strings.IndexAny(s, "(（"); i > 0 {
		s = s[:i]
	}
	return strings.Trim(s, "*:：、")
}

var columnNames = func() map[string]column {
	all := map[string]column{}
	for i, c := range columns {
		for _, name := range append(strings.Fields(c.also), c.header) {
			all[headerName(name)] = column(i)
		}
	}
	return all
}()

// header tells whether a row is the header of a table of questions, and takes its
// columns. Those that are not known are warned of.
func (f *faq) header(r tableRow) bool {
	at, unknown, ok := readHeader(r)
	if !ok {
		return false
	}
	f.at, f.found = at, true
	if len(unknown) > 0 {
		f.in.warn(Problem{Row: r.number, Unit: "行", Message: "不认识的列没有读入：" + strings.Join(unknown, "、"), Mend: "要读入就把表头改成模板里的名字"})
	}
	return true
}

// readHeader finds the columns of a header: ok when it names the text and one thing more.
func readHeader(r tableRow) (at [columnCount]int, unknown []string, ok bool) {
	for i := range at {
		at[i] = -1
	}
	known := 0
	for i := range min(len(r.cells), maxColumns) {
		name := headerName(r.cell(i))
		c, ok := columnNames[name]
		switch {
		case name == "":
		case ok && at[c] < 0:
			at[c] = i
			known++
		default:
			unknown = append(unknown, "“"+strings.Join(strings.Fields(r.cell(i)), " ")+"”")
		}
	}
	return at, unknown, at[colText] >= 0 && known >= 2
}

// noHeader says what is missing when no row was a header, of those that are not hidden.
func noHeader(hidden bool) error {
	r := &Refused{Err: ErrFormat, Message: fmt.Sprintf("前 %d 行里没有认出表头：至少要有“原文”（或“答案”）和“问法”（或“问题”、“节”）两列", headerRows),
		Mend: "下载模板（aeobot knowledge template 问答.xlsx），把内容贴进去"}
	if hidden {
		r.Message += "；隐藏的行、列和工作表没有读"
		r.Mend = "取消隐藏再上传，或" + r.Mend
	}
	return r
}

func (f *faq) problem(r tableRow, c column, message, mend string) {
	f.in.problem(Problem{Row: r.number, Unit: "行", Column: columns[c].header, Message: message, Mend: mend})
}

func (f *faq) get(r tableRow, c column) string { return r.cell(f.at[c]) }

// above tells whether a column's cell is the lower part of a merged one.
func (f *faq) above(r tableRow, c column) bool {
	i := f.at[c]
	return i >= 0 && i < len(r.merged) && r.merged[i]
}

// add takes a row below the header.
func (f *faq) add(ctx context.Context, r tableRow) error {
	filled, own := []column{}, false
	for c := range columnCount {
		text := f.get(r, c)
		if text == "" {
			continue
		}
		if filled = append(filled, c); f.above(r, c) {
			continue
		}
		own = true
		if f.size += len(text); len(text) > maxSharedBytes && c != colText {
			f.problem(r, c, fmt.Sprintf("这一格超过 %d 字", maxTextRunes), "写短一些")
			return nil
		}
	}
	if f.size > knowledge.MaxFileBytes {
		return tooMuchText()
	}
	if !own {
		return nil
	}
	if f.rows++; f.rows > maxRows {
		return &Refused{Err: ErrLarge, Message: fmt.Sprintf("表格超过 %d 行", maxRows), Mend: "拆成几个文件"}
	}
	if f.rows%everyRows == 0 {
		f.in.options.progress(f.rows, 0)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	f.section(r)
	switch {
	case len(filled) == 1 && filled[0] == colSection: // a row that only opens a section
	case f.above(r, colText) && f.last != nil: // further ways to ask for the same
		f.notes(r, f.last)
	case f.get(r, colText) == "":
		f.problem(r, colText, "没有写原文", "填上要引用的话，或删去这一行")
	default:
		f.measure(r)
	}
	return nil
}

// section moves to the section that a row names.
func (f *faq) section(r tableRow) {
	name := strings.Join(strings.Fields(f.get(r, colSection)), " ")
	if name == "" && f.current != nil {
		return
	}
	name = cmp.Or(name, f.sheet, f.title, f.in.Name)
	if n := utf8.RuneCountInString(name); n > maxHeadingRunes {
		f.problem(r, colSection, fmt.Sprintf("标题有 %d 字，超过 %d 字", n, maxHeadingRunes), "标题写短一些，内容写到“原文”列")
		return
	}
	s := f.byName[name]
	if s == nil {
		s = &faqSection{heading: name, rows: map[int]int{}}
		f.byName[name], f.sections = s, append(f.sections, s)
	}
	f.current = s
}

var numberCell = regexp.MustCompile(`^(?:第)?\(?([0-9]{1,7})(?:\.0+)?[.)、]?(?:条)?$`)

// number reads a row's number, or counts on.
func (f *faq) number(r tableRow, s *faqSection) (int, bool) {
	cell := strings.ReplaceAll(width.Narrow.String(f.get(r, colNumber)), " ", "")
	if cell == "" || f.above(r, colNumber) {
		if n := len(s.measures); n > 0 {
			return s.measures[n-1].number + 1, true
		}
		return 1, true
	}
	m := numberCell.FindStringSubmatch(cell)
	n := 0
	if m != nil {
		n, _ = strconv.Atoi(m[1]) // seven digits at most
	}
	if n < 1 || n > maxSectionNumber {
		f.problem(r, colNumber, fmt.Sprintf("“%s”不是编号", short(f.get(r, colNumber))), "写成 1、2、3 这样的整数，或留空")
		return 0, false
	}
	return n, true
}

func (f *faq) measure(r tableRow) {
	s := f.current
	if s == nil {
		return // its heading was a problem
	}
	m := &faqMeasure{row: r.number, text: f.get(r, colText)}
	f.notes(r, m) // what is wrong with them is said with the rest of the row
	n := utf8.RuneCountInString(m.text)
	if n > maxTextRunes {
		f.problem(r, colText, fmt.Sprintf("有 %d 字，超过 %d 字", n, maxTextRunes), "分成几条")
	}
	var ok bool
	if m.number, ok = f.number(r, s); !ok || n > maxTextRunes {
		return
	}
	if before, twice := s.rows[m.number]; twice {
		f.problem(r, colNumber, fmt.Sprintf("“%s”里编号 %d 和第 %d 行重复", s.heading, m.number, before), "改正其中一个编号")
		return
	}
	s.rows[m.number] = r.number
	s.measures = append(s.measures, m)
	f.last = m
}

// notes reads what a row says beyond the words.
func (f *faq) notes(r tableRow, m *faqMeasure) {
	n := &m.notes
	for _, ask := range f.list(r, colAsk, "\n;；") {
		if row, twice := f.asked[ask]; twice {
			f.in.warn(Problem{Row: r.number, Unit: "行", Column: columns[colAsk].header, Message: fmt.Sprintf("问法“%s”在第 %d 行已经有了", short(ask), row), Mend: "同一句话只留在一条里"})
			continue
		}
		f.asked[ask] = r.number
		n.Ask = append(n.Ask, ask)
	}
	for _, k := range f.list(r, colKeywords, "\n;；、，,|") {
		if !slices.Contains(n.Keywords, k) {
			n.Keywords = append(n.Keywords, k)
		}
	}
	for _, u := range f.list(r, colUnlike, "\n;；") {
		term, why, ok := strings.Cut(strings.Replace(u, "＝", "=", 1), "=")
		if term, why = strings.TrimSpace(term), strings.TrimSpace(why); !ok || term == "" || why == "" {
			f.problem(r, colUnlike, fmt.Sprintf("“%s”没有写明为什么", short(u)), "写成“词=为什么”，例如 银行担保=那是融资")
			continue
		}
		n.Unlike = append(n.Unlike, faqUnlike{term, why})
	}
	if states, ok := f.states(r); ok && len(n.States) == 0 {
		n.States = states
	}
}

// list reads a cell that holds several things.
func (f *faq) list(r tableRow, c column, separators string) []string {
	if f.above(r, c) {
		return nil
	}
	var all []string
	for _, part := range strings.FieldsFunc(f.get(r, c), func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		part = strings.Join(strings.Fields(part), " ")
		switch n := utf8.RuneCountInString(part); {
		case n > maxAskRunes:
			f.problem(r, c, fmt.Sprintf("“%s”有 %d 字，超过 %d 字", short(part), n, maxAskRunes), "写短一些，或用换行隔开")
		case n > 0:
			all = append(all, part)
		}
	}
	if len(all) > maxListed {
		f.problem(r, c, fmt.Sprintf("这一格里有 %d 个，超过 %d 个", len(all), maxListed), "只留常用的")
		return nil
	}
	return all
}

// day reads a date, or reports it.
func (f *faq) day(r tableRow, c column) (day string, ok bool) {
	cell := f.get(r, c)
	if cell == "" {
		return "", true
	}
	if day, ok = readDay(cell); !ok {
		f.problem(r, c, fmt.Sprintf("“%s”不是日期", short(cell)), "写成 2026-04-01 这样")
	}
	return day, ok
}

// states reads how a measure stands. Days the table says nothing of would count as in
// force, so the days before it holds and after it has ended say so.
func (f *faq) states(r tableRow) ([]faqState, bool) {
	state := faqState{Status: knowledge.StatusCurrent, Note: strings.Join(strings.Fields(f.get(r, colNote)), " ")}
	cell := strings.ToLower(strings.Join(strings.Fields(f.get(r, colStatus)), ""))
	ok := true
	if cell != "" {
		if state.Status, ok = statusNames[cell]; !ok {
			f.problem(r, colStatus, fmt.Sprintf("“%s”不是状态", short(cell)), "写成现行、内容已变、已被取代、各地不同或尚未核实")
		}
	}
	if n := utf8.RuneCountInString(state.Note); n > maxAskRunes {
		f.problem(r, colNote, fmt.Sprintf("有 %d 字，超过 %d 字", n, maxAskRunes), "写短一些，一两句就够")
		ok = false
	}
	var fromOK, toOK bool
	state.From, fromOK = f.day(r, colFrom)
	state.To, toOK = f.day(r, colTo)
	if fromOK && toOK && state.From != "" && state.To != "" && state.To < state.From {
		f.problem(r, colTo, fmt.Sprintf("失效日期 %s 早于生效日期 %s", state.To, state.From), "改正其中一个日期")
		ok = false
	}
	switch {
	case !ok || !fromOK || !toOK:
		return nil, false
	case cell == "" && state.Note == "" && state.From == "" && state.To == "":
		return nil, true
	}
	states := []faqState{state}
	if state.Status == knowledge.StatusCurrent && state.From != "" {
		before := faqState{Status: knowledge.StatusUnsure, To: beside(state.From, -1), Note: state.From + "起生效。"}
		states = append([]faqState{before}, states...)
	}
	if state.Status == knowledge.StatusCurrent && state.To != "" {
		states = append(states, faqState{Status: knowledge.StatusSuperseded, From: beside(state.To, 1), Note: "有效期到" + state.To + "为止。"})
	}
	return states, true
}

// short is how a cell's words are shown in a message.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 20 {
		return string(r[:20]) + "…"
	}
	return s
}

// finish makes the document, its notes and their files. Sections come in the order in
// which they were first named.
func (f *faq) finish() error {
	f.in.Counts.Rows = f.rows
	if f.hidden > 0 {
		f.in.warn(Problem{Message: fmt.Sprintf("%d 行隐藏的没有读入", f.hidden), Mend: "要读入就取消隐藏、清除筛选再上传"})
	}
	if len(f.in.Problems) > 0 {
		return nil
	}
	var pieces []knowledge.Piece
	for _, s := range f.sections {
		if len(s.measures) == 0 {
			f.in.warn(Problem{Message: "“" + s.heading + "”一节没有条目，没有收进", Mend: "在它下面补上原文"})
			continue
		}
		pieces = append(pieces, knowledge.Piece{Level: 2, Text: s.heading, Line: s.measures[0].row})
		for _, m := range s.measures {
			pieces = append(pieces, knowledge.Piece{Item: true, Number: m.number, Text: m.text, Line: m.row})
		}
	}
	if len(pieces) == 0 {
		return &Refused{Err: ErrEmpty, Message: "表头下面没有内容", Mend: "填上内容再上传"}
	}
	title := strings.Join(strings.Fields(clean(cmp.Or(f.title, f.in.Name))), " ")
	return f.in.publish(title, "", pieces, f.sidecar)
}

// faqFile is the sidecar; see knowledge's. Every measure has its entry, so that words can
// be added to it later without touching the rest.
type faqFile struct {
	Document string           `yaml:"document"`
	SHA256   string           `yaml:"sha256"`
	Sections []faqFileSection `yaml:"sections"`
}

type faqFileSection struct {
	Heading  string           `yaml:"heading"`
	Measures []faqFileMeasure `yaml:"measures"`
}

type faqFileMeasure struct {
	Number   int `yaml:"number"`
	faqNotes `yaml:",inline"`
}

func (f *faq) sidecar(d *knowledge.Document) ([]byte, error) {
	file := faqFile{Document: f.in.Name + ".md", SHA256: d.SHA256}
	taken := map[string]bool{}
	read := d.Sections // without the headings' numbers, and without sections that are empty
	for _, s := range f.sections {
		if len(s.measures) == 0 {
			continue
		}
		section := faqFileSection{Heading: read[0].Heading}
		read = read[1:]
		if taken[section.Heading] {
			f.in.problem(Problem{Row: s.measures[0].row, Unit: "行", Column: columns[colSection].header,
				Message: "去掉编号以后，已经有一节叫“" + section.Heading + "”", Mend: "两节合成一节，或改一个名字"})
		}
		taken[section.Heading] = true
		for _, m := range s.measures {
			section.Measures = append(section.Measures, faqFileMeasure{m.number, m.notes})
		}
		file.Sections = append(file.Sections, section)
	}
	data, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("intake: notes: %w", err)
	}
	return data, nil
}
