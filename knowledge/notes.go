package knowledge

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// NotesSuffix is what a sidecar's name ends in: aeo-incentives.notes.yaml lies
// beside aeo-incentives.txt.
const NotesSuffix = ".notes.yaml"

// Notes are what curators know about a passage beyond its words.
type Notes struct {
	// Ask are ways people ask for it; Keywords point to it and to no other.
	Ask      []string `yaml:"ask"`
	Keywords []string `yaml:"keywords"`
	Basis    []Basis  `yaml:"basis"`
	// Grade are the certification grades it is stated for.
	Grade []string `yaml:"grade"`
	// States say how it stands on which days. They do not overlap.
	States []State `yaml:"states"`
	// Unlike are terms of questions that look like this passage and mean another thing.
	Unlike []Unlike `yaml:"unlike"`
}

// Basis is a legal basis and where it was read: Source is a key of Document.References.
type Basis struct {
	Text      string    `yaml:"text"`
	Source    string    `yaml:"source"`
	Certainty Certainty `yaml:"certainty"`
}

// Certainty says how well a basis is known.
type Certainty string

// The certainties a curator may give.
const (
	CertaintyConfirmed Certainty = "confirmed"
	CertaintyUnsure    Certainty = "unsure"
)

// Unlike is a look-alike.
type Unlike struct {
	Term string `yaml:"term"`
	Why  string `yaml:"why"`
}

// State is what holds from one day to another, both included; an empty day is open.
type State struct {
	Status Status `yaml:"status"`
	From   string `yaml:"from"`
	To     string `yaml:"to"`
	Note   string `yaml:"note"`
	// Customer is what people outside read instead of Note: shorter, and without what we
	// have checked ourselves.
	Customer string `yaml:"customer"`
}

// ownChecking is how curators write of what they have checked themselves and what not.
var ownChecking = regexp.MustCompile(`(?:未|没有?|待)[^，,；;。]{0,4}(?:核[实对到查]|查[到实证明清]|读到|见到?(?:废|续|官|条|全|这|相)|找到|确认)|未核|待核|核到|据摘要|读到|推断|行业网站|存疑|勿当`)

// ForCustomers is what people outside read of the state. Without a wording of its own a note
// that speaks of our checking says no more than where to look.
func (s State) ForCustomers() string {
	switch {
	case s.Customer != "":
		return s.Customer
	case !ownChecking.MatchString(s.Note):
		return s.Note
	case s.Status == StatusRegional:
		return "各地做法不同，请以当地的现行规定为准。"
	}
	return "请以主管部门的现行规定为准。"
}

// Status is how a measure stands.
type Status string

// The statuses a curator may give. A measure without any is Current.
const (
	StatusCurrent    Status = "current"
	StatusChanged    Status = "changed"
	StatusSuperseded Status = "superseded"
	StatusRegional   Status = "regional"
	StatusUnsure     Status = "unsure"
)

var (
	statuses    = []Status{StatusCurrent, StatusChanged, StatusSuperseded, StatusRegional, StatusUnsure}
	certainties = []Certainty{CertaintyConfirmed, CertaintyUnsure}
	roles       = []Role{RoleIntroduction, RoleClosing, RoleAdvertising}
)

// Name is how curators read a status; one that is not known stays as it is.
func (s Status) Name() string {
	switch s {
	case StatusCurrent:
		return "现行"
	case StatusChanged:
		return "内容已变"
	case StatusSuperseded:
		return "已被取代"
	case StatusRegional:
		return "各地不同"
	case StatusUnsure:
		return "尚未核实"
	}
	return string(s)
}

// Name is how curators read a certainty; one that is not known stays as it is.
func (c Certainty) Name() string {
	switch c {
	case CertaintyConfirmed:
		return "已核实"
	case CertaintyUnsure:
		return "尚未核实"
	}
	return string(c)
}

// On is the state on a day (2026-03-31). Without a state for that day the words
// stand as the source has them.
func (n Notes) On(day string) State {
	for _, s := range n.States {
		if (s.From == "" || s.From <= day) && (s.To == "" || day <= s.To) {
			return s
		}
	}
	return State{Status: StatusCurrent}
}

// With gives the states with another that takes the place of whatever was said of its days.
func (n Notes) With(add State) []State {
	states := []State{add}
	for _, s := range n.States {
		if s.To != "" && add.From != "" && s.To < add.From || add.To != "" && s.From != "" && s.From > add.To {
			states = append(states, s)
			continue
		}
		if add.From != "" && (s.From == "" || s.From < add.From) {
			before := s
			before.To = dayAfter(add.From, -1)
			states = append(states, before)
		}
		if add.To != "" && (s.To == "" || s.To > add.To) {
			after := s
			after.From = dayAfter(add.To, 1)
			states = append(states, after)
		}
	}
	slices.SortStableFunc(states, func(x, y State) int { return strings.Compare(x.From, y.From) })
	return states
}

// dayAfter is so many days after a day; a day that is none stays as it is.
func dayAfter(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// sidecar is the file of notes beside a document.
type sidecar struct {
	Document   string `yaml:"document"`
	SHA256     string `yaml:"sha256"`
	Provenance `yaml:",inline"`
	urlLine    int
	References map[string]Reference `yaml:"references"`
	Paragraphs []paragraphNotes     `yaml:"paragraphs"`
	Sections   []sectionNotes       `yaml:"sections"`
	Outside    []Topic              `yaml:"outside"`

	documentLine int // of the key document
}

func (s *sidecar) UnmarshalYAML(n *yaml.Node) error {
	type plain sidecar
	s.urlLine = lineOf(n, "url")
	return n.Decode((*plain)(s))
}

// Reference is a page that a basis cites.
type Reference struct {
	at        `yaml:"-"`
	Title     string `yaml:"title"`
	Number    string `yaml:"number"`
	Published string `yaml:"published"`
	Effective string `yaml:"effective"`
	Ended     string `yaml:"ended"`
	URL       string `yaml:"url"`     // as Provenance.URL
	Read      string `yaml:"read"`    // how much of it was read
	ReadOn    string `yaml:"read_on"` // and when
}

func (r *Reference) UnmarshalYAML(n *yaml.Node) error {
	type plain Reference
	r.line = lineOf(n, "url")
	return n.Decode((*plain)(r))
}

type paragraphNotes struct {
	at     `yaml:"-"`
	Starts string `yaml:"starts"` // the paragraph's first characters
	Name   string `yaml:"name"`   // what judged questions call it
	Role   Role   `yaml:"role"`
	Note   string `yaml:"note"` // for curators
	Notes  `yaml:",inline"`
}

type sectionNotes struct {
	at       `yaml:"-"`
	Heading  string         `yaml:"heading"`
	Name     string         `yaml:"name"` // what judged questions call it
	Ask      []string       `yaml:"ask"`
	Keywords []string       `yaml:"keywords"`
	Measures []measureNotes `yaml:"measures"`
}

type measureNotes struct {
	at     `yaml:"-"`
	Number int `yaml:"number"`
	Notes  `yaml:",inline"`
}

// at is the line of the sidecar an entry stands on.
type at struct{ line int }

// lineOf is the line on which a mapping has a key, or the one on which it begins.
func lineOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i].Line
		}
	}
	return n.Line
}

func (p *paragraphNotes) UnmarshalYAML(n *yaml.Node) error {
	type plain paragraphNotes
	p.line = n.Line
	return n.Decode((*plain)(p))
}

func (s *sectionNotes) UnmarshalYAML(n *yaml.Node) error {
	type plain sectionNotes
	s.line = n.Line
	return n.Decode((*plain)(s))
}

func (m *measureNotes) UnmarshalYAML(n *yaml.Node) error {
	type plain measureNotes
	m.line = n.Line
	return n.Decode((*plain)(m))
}

// parseNotes reads a sidecar. Bad YAML, a key written twice or a value of the wrong kind is
// an error; an unknown key is a finding, and the rest counts.
func parseNotes(file string, data []byte) (sidecar, []Finding, error) {
	var root yaml.Node
	yamls := yaml.NewDecoder(bytes.NewReader(data))
	if err := yamls.Decode(&root); errors.Is(err, io.EOF) {
		return sidecar{}, nil, nil
	} else if err != nil {
		return sidecar{}, nil, brokenYAML(file, err, mendYAML)
	}
	findings := secondYAML(file, yamls)
	if line, twice := keyTwice(&root); twice != nil {
		return sidecar{}, nil, &BrokenError{file, line, twice, "write it once"}
	}
	var s sidecar
	if err := root.Decode(&s); err != nil {
		return sidecar{}, nil, brokenYAML(file, err, mendValue)
	}
	top := root.Content[0]
	for i := 0; top.Kind == yaml.MappingNode && i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value == "document" {
			s.documentLine = top.Content[i].Line
		}
	}
	unknownKeys(top, reflect.TypeFor[sidecar](), func(line int, key string, known []string) {
		findings = append(findings, Finding{File: file, Line: line, Message: fmt.Sprintf("不认识的键“%s”", key),
			Mend: "改成已有的键（" + strings.Join(known, "、") + "）或删去"})
	})
	return s, findings, nil
}

// secondYAML finds what follows the YAML that is read: YAML lets a line of --- begin another.
func secondYAML(file string, rest *yaml.Decoder) []Finding {
	var next yaml.Node
	for {
		err := rest.Decode(&next)
		if errors.Is(err, io.EOF) {
			return nil
		}
		line := next.Line
		if err == nil {
			content := next.Content[0]
			if content.Tag == "!!null" && content.Value == "" {
				continue // nothing between --- and the next, or the end
			}
			line = content.Line
		} else if broken := (*BrokenError)(nil); errors.As(brokenYAML(file, err, ""), &broken) {
			line = broken.Line
		}
		return []Finding{{File: file, Line: line, Message: "“---”或“...”以后的内容是另一份 YAML，没有读，都没有生效", Mend: "并进上面那一份，删去“---”和“...”"}}
	}
}

// duplicateKey is a key that its mapping has already, on line first.
type duplicateKey struct {
	key   string
	first int
}

func (d *duplicateKey) Error() string {
	return fmt.Sprintf("key %q is on line %d already", d.key, d.first)
}

// keyTwice finds a key that a mapping has twice, and its line.
func keyTwice(n *yaml.Node) (int, error) {
	seen := map[string]int{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.ScalarNode {
			if first, twice := seen[c.Value]; twice {
				return c.Line, &duplicateKey{c.Value, first}
			}
			seen[c.Value] = c.Line
		}
		if line, err := keyTwice(c); err != nil {
			return line, err
		}
	}
	return 0, nil
}

// What to do about YAML that cannot be read.
const (
	mendYAML  = "mend the YAML"
	mendValue = "mend the value"
)

// brokenYAML takes the line out of what the YAML library says.
func brokenYAML(file string, err error, mend string) error {
	what, line := oneLine(err), 1
	if _, scanErr := fmt.Sscanf(what, "line %d:", &line); scanErr == nil {
		_, what, _ = strings.Cut(what, ": ")
	}
	return &BrokenError{file, line, errors.New(what), mend}
}

// oneLine gives the first of the problems YAML found, without the package's name. A
// problem quotes the value it is about, which may have line breaks of its own.
func oneLine(err error) string {
	var types *yaml.TypeError
	if errors.As(err, &types) && len(types.Errors) > 0 {
		return strings.Join(strings.Fields(types.Errors[0]), " ")
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
	return first
}

// unknownKeys reports keys below n that t has no field for.
func unknownKeys(n *yaml.Node, t reflect.Type, report func(line int, key string, known []string)) {
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			unknownKeys(item, t.Elem(), report)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 1; i < len(n.Content); i += 2 {
			unknownKeys(n.Content[i], t.Elem(), report)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields, names := yamlFields(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if f, ok := fields[key.Value]; ok {
				unknownKeys(n.Content[i+1], f, report)
			} else {
				report(key.Line, key.Value, names)
			}
		}
	}
}

func yamlFields(t reflect.Type) (fields map[string]reflect.Type, names []string) {
	fields = map[string]reflect.Type{}
	for f := range t.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			inner, innerNames := yamlFields(f.Type)
			for k, v := range inner {
				fields[k] = v
			}
			names = append(names, innerNames...)
		case name != "-" && name != "":
			fields[name] = f.Type
			names = append(names, name)
		}
	}
	return fields, names
}

// annotator puts a sidecar's notes onto the document they belong to.
type annotator struct {
	doc      *Document
	file     string
	sidecar  sidecar
	findings []Finding
	noted    map[any]int // the line of the notes for each section, measure and paragraph
}

func (a *annotator) find(line int, mend, message string, args ...any) {
	a.findings = append(a.findings, Finding{File: a.file, Line: line, Message: fmt.Sprintf(message, args...), Mend: mend})
}

// advise reports what would be better.
func (a *annotator) advise(line int, mend, message string, args ...any) {
	a.find(line, mend, message, args...)
	a.findings[len(a.findings)-1].Advice = true
}

func (a *annotator) apply() {
	if s := a.sidecar.SHA256; s != "" && !strings.EqualFold(s, a.doc.SHA256) {
		a.find(1, "核对各条备注是否仍然适用，再把 sha256 改为 "+a.doc.SHA256, "备注是为另一版原文写的（sha256 不同）")
	}
	if f, bad := a.doc.Provenance.take(a.sidecar.Provenance, a.sidecar.urlLine); bad {
		f.File = a.file
		a.findings = append(a.findings, f)
	}
	a.checkReferences()
	for _, p := range a.sidecar.Paragraphs {
		a.paragraph(p)
	}
	for _, s := range a.sidecar.Sections {
		a.section(s)
	}
	a.doc.Outside, a.doc.References = a.sidecar.Outside, a.sidecar.References
}

// once reports notes for what has notes already.
func (a *annotator) once(what any, line int, name string) {
	if first, twice := a.noted[what]; twice {
		a.find(line, "合并成一处", "%s的备注写了两次，第 %d 行已有，以后面的为准", name, first)
	}
	a.noted[what] = line
}

// belongs reports whether the notes are for the document that they lie beside. The hash of
// its source proves it, whatever name they say.
func (a *annotator) belongs() bool {
	if sameDocument(a.sidecar.Document, a.doc) {
		return true
	}
	says, is := fileName(a.sidecar.Document), path.Base(a.doc.Path)
	if strings.EqualFold(a.sidecar.SHA256, a.doc.SHA256) {
		a.find(a.sidecar.documentLine, "把 document 改为 "+is, "document 写的是“%s”，文章是“%s”（sha256 相符，备注照用）", says, is)
		return true
	}
	a.find(a.sidecar.documentLine, "放错了就放到那一篇旁边，改名为 "+cmp.Or(DocumentID(says), says)+NotesSuffix+"；确是这一篇的，核对各条以后把 document 改为 "+is,
		"这份备注写明是“%s”的，不是“%s”的，全部没有生效", says, is)
	return false
}

// sameDocument reports whether a name is the document's, with or without extension and
// folder. Names are one in any case, width and Unicode form: they come from file systems that
// differ in that.
func sameDocument(name string, d *Document) bool {
	name = fileName(name)
	return name == "" || foldedName(name) == foldedName(d.ID) || foldedName(DocumentID(name)) == foldedName(d.ID)
}

// fileName takes the folders off a name, as any system writes them.
func fileName(name string) string {
	name = strings.ReplaceAll(strings.TrimSpace(name), "\\", "/")
	return name[strings.LastIndexByte(name, '/')+1:]
}

func foldedName(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

// checkReferences takes out the addresses that nobody is to follow.
func (a *annotator) checkReferences() {
	for _, key := range slices.Sorted(maps.Keys(a.sidecar.References)) {
		r := a.sidecar.References[key]
		if f, bad := checkURL(r.line, r.URL); bad {
			f.File, r.URL = a.file, ""
			a.sidecar.References[key] = r
			a.findings = append(a.findings, f)
		}
	}
}

func (a *annotator) paragraph(n paragraphNotes) {
	if n.Role != RoleNone && !slices.Contains(roles, n.Role) {
		a.find(n.line, fmt.Sprintf("用 %v 之一", roles), "不认识的 role“%s”", n.Role)
	}
	found := 0
	for _, p := range a.doc.Paragraphs {
		if n.Starts != "" && strings.HasPrefix(p.Text, n.Starts) {
			a.once(p, n.line, "段落“"+n.Starts+"”")
			p.Role, p.Name, p.Notes = n.Role, n.Name, n.Notes
			found++
		}
	}
	switch {
	case found == 0:
		a.find(n.line, "照原文改正 starts", "没有以“%s”开头的段落", n.Starts)
	case found > 1:
		a.find(n.line, "把 starts 写长一些，只对应一段", "有 %d 个段落以“%s”开头", found, n.Starts)
	}
	a.check(n.line, n.Notes)
}

func (a *annotator) section(n sectionNotes) {
	i := slices.IndexFunc(a.doc.Sections, func(s *Section) bool { return s.Heading == n.Heading })
	if i < 0 {
		a.find(n.line, "照原文改正 heading", "原文没有标题“%s”", n.Heading)
		return
	}
	section := a.doc.Sections[i]
	a.once(section, n.line, "“"+n.Heading+"”")
	section.Name, section.Ask, section.Keywords = n.Name, n.Ask, n.Keywords
	for _, m := range n.Measures {
		j := slices.IndexFunc(section.Measures, func(x *Measure) bool { return x.Number == m.Number })
		if j < 0 {
			a.find(m.line, "改正 number", "“%s”没有第 %d 条", n.Heading, m.Number)
			continue
		}
		a.once(section.Measures[j], m.line, fmt.Sprintf("“%s”第 %d 条", n.Heading, m.Number))
		section.Measures[j].Notes = m.Notes
		a.check(m.line, m.Notes)
	}
}

// check reports values that have no meaning. They are kept as they are: a wrong
// date must not make the measure itself disappear.
func (a *annotator) check(line int, n Notes) {
	for _, s := range n.States {
		if !slices.Contains(statuses, s.Status) {
			a.find(line, fmt.Sprintf("用 %v 之一", statuses), "不认识的 status“%s”", s.Status)
		}
		for _, day := range []string{s.From, s.To} {
			if day != "" && !validDay(day) {
				a.find(line, "写成 2026-04-01 这样", "“%s”不是日期", day)
			}
		}
		switch {
		case ownChecking.MatchString(s.Customer):
			a.advise(line, "改写 customer，只说现行规定和向谁问", "customer 是转发给客户看的，说到了自己的核对：“%s”", s.Customer)
		case s.Customer == "" && ownChecking.MatchString(s.Note):
			a.advise(line, "在这一段里补上 customer：给客户看的说法，更短，不说自己核对到哪里", "备注说到了自己的核对，转发给客户时不能照用：“%s”", s.Note)
		}
		if s.From != "" && s.To != "" && s.To < s.From {
			a.find(line, "改正 from 或 to", "to（%s）早于 from（%s）", s.To, s.From)
		}
	}
	a.checkOverlap(line, n.States)
	for _, b := range n.Basis {
		if !slices.Contains(certainties, b.Certainty) {
			a.find(line, fmt.Sprintf("用 %v 之一", certainties), "不认识的 certainty“%s”", b.Certainty)
		}
		if _, ok := a.sidecar.References[b.Source]; !ok {
			a.find(line, "在 references 里补上，或改正 source", "依据引用了没有列出的来源“%s”", b.Source)
		}
	}
}

func (a *annotator) checkOverlap(line int, states []State) {
	for i, s := range states {
		for _, t := range states[i+1:] {
			if (s.To == "" || t.From <= s.To) && (t.To == "" || s.From <= t.To) {
				a.find(line, "让前一段的 to 早于后一段的 from", "两段状态的日期重叠（%s、%s）", s.Status, t.Status)
			}
		}
	}
}

func validDay(day string) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}
