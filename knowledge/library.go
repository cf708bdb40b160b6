package knowledge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Library is everything that may be answered from, at one moment. It does not
// change once loaded.
type Library struct {
	Documents []*Document
	// Fingerprint names this state of the knowledge: sources, notes and the way
	// they are read.
	Fingerprint string
	// Terms are the curators' own vocabulary files.
	Terms []Vocabulary
	// Skipped are files of the folders that no reader takes.
	Skipped []string

	findings []Finding // of files that belong to no document
	passages []Passage
	byID     map[string]int
	sections map[string]*Section
}

// TermsSuffix is what the name of a vocabulary file ends in: any such file beside
// the documents is taken along.
const TermsSuffix = ".terms.tsv"

// Vocabulary is a file of words that stand for other words: group, term, language,
// relation and note, parted by tabs. The index reads it.
type Vocabulary struct {
	Path string
	Text string
}

// digest names the words in the library's fingerprint.
func (v Vocabulary) digest() string {
	sum := sha256.Sum256([]byte(v.Text))
	return path.Base(v.Path) + "\x00" + hex.EncodeToString(sum[:])
}

// readingVersion goes into the fingerprint; raise it when the same bytes come to
// be read otherwise.
const readingVersion = "4"

// Passages lists what may be answered from: documents by id, each in its order.
func (l *Library) Passages() []Passage { return l.passages }

// Passage finds a passage by its id.
func (l *Library) Passage(id string) (Passage, bool) {
	i, ok := l.byID[id]
	if !ok {
		return Passage{}, false
	}
	return l.passages[i], true
}

// Position is where in Passages a passage stands.
func (l *Library) Position(id string) (int, bool) {
	i, ok := l.byID[id]
	return i, ok
}

// Section finds a section by its id.
func (l *Library) Section(id string) (*Section, bool) {
	s, ok := l.sections[id]
	return s, ok
}

// Load reads files and folders. A folder gives all files in it (not below) that a
// reader takes. shipped is where notes are looked for when none lie beside a
// file: notes name the hash of the source they were written for, so the article
// brings its notes along wherever it is read from. shipped may be nil.
func Load(paths []string, shipped fs.FS) (*Library, error) {
	b := newBuilder(shipped)
	for _, p := range paths {
		if err := b.addPath(p); err != nil {
			return nil, err
		}
	}
	l, err := b.finish()
	if errors.Is(err, errNothing) {
		return nil, fmt.Errorf("%w: looked in %s", err, strings.Join(paths, ", "))
	}
	return l, err
}

// LoadFS reads every document at the top of fsys, as Load does with a folder.
func LoadFS(fsys fs.FS) (*Library, error) {
	b := newBuilder(fsys)
	if err := b.addFolder(fsys, ""); err != nil {
		return nil, err
	}
	return b.finish()
}

// LoadFiles reads files that lie in memory, by name, as Load does with a folder.
func LoadFiles(files map[string][]byte, shipped fs.FS) (*Library, error) {
	b := newBuilder(shipped)
	if err := b.addFolder(memory(files), ""); err != nil {
		return nil, err
	}
	return b.finish()
}

// Takes tells whether a file of that name is part of the knowledge.
func Takes(name string) bool {
	return readerFor(name) != nil || strings.HasSuffix(name, NotesSuffix) || strings.HasSuffix(name, TermsSuffix)
}

// DocumentID is the id of the document in a file of that name; empty for a file that holds
// none.
func DocumentID(name string) string {
	if readerFor(name) == nil {
		return ""
	}
	base := path.Base(name)
	return strings.TrimSuffix(base, path.Ext(base))
}

// Lint reads files and folders as Load does, but goes on past files that cannot be
// read as knowledge: their trouble is among the findings. The library is nil when
// nothing is left to answer from.
func Lint(paths []string, shipped fs.FS) (*Library, []Finding, error) {
	b := newBuilder(shipped)
	b.lenient = true
	for _, p := range paths {
		if err := b.addPath(p); err != nil {
			return nil, nil, err
		}
	}
	l, err := b.finish()
	if err != nil && len(b.broken) > 0 {
		return nil, b.broken, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return l, append(b.broken, l.Findings()...), nil
}

type builder struct {
	shipped fs.FS
	notes   map[string][]byte // the shipped ones, by the hash of their source; nil: not read yet
	library *Library
	files   map[string]string // by the folded id of the document in it
	digest  []string          // what the fingerprint is made of
	lenient bool              // a document that cannot be read is a finding
	broken  []Finding
}

func newBuilder(shipped fs.FS) *builder {
	return &builder{shipped: shipped, library: &Library{}, files: map[string]string{}}
}

func (b *builder) addPath(p string) error {
	info, err := os.Stat(p)
	if err != nil {
		return fmt.Errorf("knowledge: %w; name a file or a folder that can be read", err)
	}
	if info.IsDir() {
		return b.addFolder(os.DirFS(p), p)
	}
	if strings.HasSuffix(p, TermsSuffix) {
		return b.addTerms(os.DirFS(filepath.Dir(p)), filepath.Dir(p), filepath.Base(p))
	}
	if readerFor(p) == nil {
		return fmt.Errorf("knowledge: %s: no reader for %q; use one of %s", p, filepath.Ext(p), extensions())
	}
	return b.addFile(os.DirFS(filepath.Dir(p)), filepath.Dir(p), filepath.Base(p))
}

func (b *builder) addFolder(fsys fs.FS, shown string) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the folder readable", err)
	}
	var taken []string
	for _, e := range entries {
		if !e.IsDir() && Takes(e.Name()) {
			taken = append(taken, e.Name())
		}
	}
	if err := CheckNames(taken); err != nil {
		return fmt.Errorf("knowledge: %s: %w", cmp.Or(shown, "the files"), err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case e.IsDir(), strings.HasPrefix(name, "."), strings.HasSuffix(name, NotesSuffix):
		case strings.HasSuffix(name, TermsSuffix):
			if err := b.addTerms(fsys, shown, name); err != nil {
				return err
			}
		case readerFor(name) == nil:
			b.library.Skipped = append(b.library.Skipped, path.Join(shown, name))
		default:
			if err := b.addFile(fsys, shown, name); err != nil {
				return err
			}
		}
	}
	b.findLoneNotes(entries, shown)
	return nil
}

// findLoneNotes reports notes that lie beside no document of their name.
func (b *builder) findLoneNotes(entries []fs.DirEntry, folder string) {
	documents := map[string]string{} // by folded id
	for _, e := range entries {
		if id := DocumentID(e.Name()); id != "" && !e.IsDir() {
			documents[id], documents[foldedName(id)] = id, id
		}
	}
	for _, e := range entries {
		id, isNotes := strings.CutSuffix(e.Name(), NotesSuffix)
		if !isNotes || e.IsDir() || strings.HasPrefix(id, ".") || documents[id] == id {
			continue
		}
		f := Finding{File: path.Join(filepath.ToSlash(folder), e.Name()), Message: "旁边没有叫“" + id + "”的文章，全部没有生效", Mend: "和文章放在一起，文件名除扩展名外与文章相同；不用了就删去"}
		if near := documents[foldedName(id)]; near != "" {
			f.Message, f.Mend = "文件名和文章“"+near+"”的大小写、全半角或字形不同，全部没有生效", "把文件名改为 "+near+NotesSuffix
		}
		b.library.findings = append(b.library.findings, f)
	}
}

// addTerms takes a vocabulary file along as it is.
func (b *builder) addTerms(fsys fs.FS, folder, name string) error {
	file := path.Join(filepath.ToSlash(folder), name)
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the file readable", err)
	}
	if err := checkText(data); err != nil {
		return &BrokenError{file, firstBroken(data), err, "save it as text in UTF-8"}
	}
	v := Vocabulary{file, string(data)}
	b.digest = append(b.digest, v.digest())
	b.library.Terms = append(b.library.Terms, v)
	return nil
}

func (b *builder) addFile(fsys fs.FS, folder, name string) error {
	file := path.Join(filepath.ToSlash(folder), name)
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return fmt.Errorf("knowledge: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("knowledge: %s is no plain file; take it out of the folder", file)
	}
	if info.Size() > MaxFileBytes {
		return fmt.Errorf("knowledge: %s has %d bytes, more than %d; split it", file, info.Size(), MaxFileBytes)
	}
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the file readable", err)
	}
	doc, err := parse(file, source)
	if err == nil {
		err = b.annotate(fsys, folder, doc)
	}
	if found := (*BrokenError)(nil); b.lenient && errors.As(err, &found) {
		b.broken = append(b.broken, found.Finding())
		return nil
	}
	if err != nil {
		return err
	}
	id := FoldName(doc.ID)
	if other, taken := b.files[id]; taken {
		if DocumentID(other) != doc.ID {
			return fmt.Errorf("knowledge: %w", clash(other, file))
		}
		return fmt.Errorf("knowledge: %s and %s have the same name %q; rename one", other, file, doc.ID)
	}
	b.files[id] = file
	b.library.Documents = append(b.library.Documents, doc)
	return nil
}

// parse reads one source and gives everything in it its id.
func parse(file string, source []byte) (*Document, error) {
	if err := checkText(source); err != nil {
		mend := "save it as text in UTF-8"
		if errors.Is(err, ErrGB18030) {
			mend = "convert it with `aeobot knowledge import " + file + "`"
		}
		return nil, &BrokenError{file, firstBroken(source), err, mend}
	}
	if line, err := checkShape(string(source)); err != nil {
		return nil, &BrokenError{file, line, err, "split it"}
	}
	sum := sha256.Sum256(source)
	base := path.Base(file)
	out := readerFor(file)(source)
	doc := &Document{
		ID: strings.TrimSuffix(base, path.Ext(base)), Path: file, Source: source, SHA256: hex.EncodeToString(sum[:]), Origin: out.origin, Provenance: out.provenance,
		Title: out.title, Date: out.date, Sections: out.sections, Paragraphs: out.paragraphs, Findings: out.findings,
	}
	if doc.Title == "" {
		doc.Title = doc.ID
	}
	for i := range doc.Findings {
		doc.Findings[i].File = file
	}
	if line, err := checkLengths(doc); err != nil {
		return nil, &BrokenError{file, line, err, "split it"}
	}
	doc.name()
	if len(doc.Sections) == 0 && len(doc.Paragraphs) == 0 {
		return nil, &BrokenError{file, 1, ErrEmpty, "check that it is the right file"}
	}
	return doc, nil
}

// name gives sections, measures and paragraphs their ids.
func (d *Document) name() {
	taken := map[string]int{}
	unique := func(id string) string {
		taken[id]++
		if n := taken[id]; n > 1 {
			id += "~" + strconv.Itoa(n)
		}
		return id
	}
	for _, s := range d.Sections {
		s.ID = unique(d.ID + "/" + s.Heading)
		for _, m := range s.Measures {
			m.ID = unique(s.ID + "/" + strconv.Itoa(m.Number))
		}
	}
	for _, p := range d.Paragraphs {
		sum := sha256.Sum256([]byte(p.Text))
		p.ID = unique(d.ID + "/p-" + hex.EncodeToString(sum[:4]))
	}
}

// annotate reads the notes that belong to a document, if there are any.
func (b *builder) annotate(fsys fs.FS, folder string, doc *Document) error {
	name := doc.ID + NotesSuffix
	file := path.Join(filepath.ToSlash(folder), name)
	data, err := fs.ReadFile(fsys, name)
	beside := !errors.Is(err, fs.ErrNotExist)
	if !beside {
		data, err = b.shippedNotes(doc)
	}
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the notes readable", err)
	}
	sum := sha256.Sum256(data)
	doc.digest = doc.ID + "\x00" + doc.SHA256 + "\x00" + hex.EncodeToString(sum[:])
	b.digest = append(b.digest, doc.digest)
	if data == nil {
		return nil
	}
	notes, findings, err := parseNotes(file, data)
	if err != nil {
		return err
	}
	a := &annotator{doc: doc, file: file, sidecar: notes, findings: findings, noted: map[any]int{}}
	if !beside || a.belongs() { // the hash has chosen the shipped ones
		a.apply()
	}
	doc.Findings = append(doc.Findings, a.findings...)
	return nil
}

// shippedNotes finds the shipped notes written for exactly these bytes.
func (b *builder) shippedNotes(doc *Document) ([]byte, error) {
	if b.shipped == nil {
		return nil, nil
	}
	if b.notes == nil {
		if err := b.readShippedNotes(); err != nil {
			return nil, err
		}
	}
	return b.notes[doc.SHA256], nil
}

// readShippedNotes sorts the shipped notes by the source they were written for. It is
// done once: to parse them takes longer than to read a document.
func (b *builder) readShippedNotes() error {
	names, err := fs.Glob(b.shipped, "*"+NotesSuffix)
	if err != nil {
		return err
	}
	b.notes = map[string][]byte{}
	for _, name := range names {
		data, err := fs.ReadFile(b.shipped, name)
		if err != nil {
			return err
		}
		notes, _, err := parseNotes(name, data)
		if _, taken := b.notes[notes.SHA256]; err == nil && !taken {
			b.notes[notes.SHA256] = data
		}
	}
	return nil
}

var errNothing = errors.New("knowledge: nothing to answer from; name a file or folder with " + extensions() + " files")

func (b *builder) finish() (*Library, error) {
	l := b.library
	slices.SortFunc(l.Documents, func(x, y *Document) int { return strings.Compare(x.ID, y.ID) })
	l.byID, l.sections = map[string]int{}, map[string]*Section{}
	for _, d := range l.Documents {
		l.passages = append(l.passages, d.Passages()...)
		for _, s := range d.Sections {
			l.sections[s.ID] = s
		}
	}
	for i, p := range l.passages {
		l.byID[p.ID] = i
	}
	if len(l.passages) == 0 {
		return nil, errNothing
	}
	slices.Sort(b.digest)
	sum := sha256.Sum256([]byte(readingVersion + "\n" + strings.Join(b.digest, "\n")))
	l.Fingerprint = hex.EncodeToString(sum[:8])
	return l, nil
}
