package desk

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// Change is what a proposal does to one file of the knowledge.
type Change struct {
	File string `json:"file"`
	// Edit puts a few words into the notes that File is. Without it the file becomes
	// Data, or goes.
	Edit   *curate.Edit `json:"edit,omitempty"`
	Remove bool         `json:"remove,omitempty"`
	// Data is what the file is to hold. It is kept apart, under its SHA-256.
	Data []byte `json:"-"`
	Sum  string `json:"sum,omitempty"`
	// Was is the SHA-256 of the file that Data takes the place of; empty: there was none.
	// A file that has changed since is not written over.
	Was string `json:"was,omitempty"`
}

// Proposal is a change of the knowledge that somebody wants.
type Proposal struct {
	ID string `json:"id"`
	// From names what made it, so that the same again makes no other.
	From string `json:"from"`
	// Title is what it does, in a line; Reason is why.
	Title   string    `json:"title"`
	Reason  string    `json:"reason,omitempty"`
	Author  string    `json:"author"`
	At      time.Time `json:"at"`
	Changes []Change  `json:"changes,omitempty"`
	// Back is set when it brings back the state Of.
	Back bool `json:"back,omitempty"`
	Of   int  `json:"of,omitempty"`
	// Question is the one without an answer that it is about; or empty.
	Question string `json:"question,omitempty"`
	// Base is the state it was judged against, and Worse what the gate named. Judged is
	// false until the gate has been through; Trouble is why it could not.
	Base    int          `json:"base"`
	Judged  bool         `json:"judged"`
	Worse   []Difference `json:"worse,omitempty"`
	Trouble string       `json:"trouble,omitempty"`
	// Dead is set when what it would change is not there any more; Trouble says so.
	Dead bool `json:"dead,omitempty"`
	// JudgedAt is when the gate was through.
	JudgedAt time.Time `json:"judged_at,omitzero"`
	// Notices are what is to be seen before it is confirmed. Shown is who was shown what in
	// a chat, by View.Key.
	Notices []Notice          `json:"notices,omitempty"`
	Shown   map[string]string `json:"shown,omitempty"`
	// Answered reports that Question was answered when it was judged.
	Answered bool `json:"answered,omitempty"`
	// Findings are what is doubtful in the new files and was not in the old.
	Findings []string `json:"findings,omitempty"`
	// Published is the number it was published under; 0: not yet.
	Published int    `json:"published,omitempty"`
	Approver  string `json:"approver,omitempty"`
	// Rejected is who took it away, and Why; empty: nobody.
	Rejected string `json:"rejected,omitempty"`
	Why      string `json:"why,omitempty"`
	// Tell is set when people are told how it stands: those that an earlier release kept are
	// not told of again.
	Tell bool `json:"tell,omitempty"`
	// To is where its author proposed it, when that was in a chat.
	To bot.Address `json:"to,omitzero"`
	// Claim is set while somebody publishes it, so that nobody decides otherwise meanwhile.
	Claim *Claim `json:"claim,omitempty"`

	// Stage is how far it has come, and Asked of All how far its gate, as far as this replica
	// knows.
	Stage      Stage `json:"-"`
	Asked, All int   `json:"-"`

	version uint64
	ahead   int // how many gates come before its own here; -1: it does not wait for one here
}

// Claim is the decision of one person to publish a proposal as the state Number.
type Claim struct {
	Who      string `json:"who"`
	Approver string `json:"approver,omitempty"`
	Number   int    `json:"number"`
	// Sum names the files of that state, by which it is known whether it was published.
	Sum string `json:"sum"`
}

// Waits reports whether a proposal was neither published nor taken away.
func (p Proposal) Waits() bool { return p.Published == 0 && p.Rejected == "" }

// judgedIn reports whether the gate has been through against a state.
func (p Proposal) judgedIn(s State) bool { return p.Judged && p.Trouble == "" && p.Base == s.Number }

// Outcome says what became of a proposal and who decided, or is deciding.
func (p Proposal) Outcome() string {
	switch {
	case p.Published > 0:
		return fmt.Sprintf("提议 %s 已由 %s 确认，发布为版本 %d", p.ID, cmp.Or(p.Approver, p.Author), p.Published)
	case p.Rejected != "":
		return fmt.Sprintf("提议 %s 已由 %s 作废，没有发布%s", p.ID, p.Rejected, p.because())
	case p.Claim != nil:
		return fmt.Sprintf("%s 正在发布提议 %s", p.Claim.Who, p.ID)
	}
	return "提议 " + p.ID + " 还在等确认"
}

// because is why a proposal was taken away, after who did.
func (p Proposal) because() string {
	if p.Why == "" {
		return ""
	}
	return "。理由：" + p.Why
}

const (
	proposals     = "proposals"
	proposalFiles = "proposal-files"
	progresses    = "proposal-progress"
	// proposalKeep is how long a proposal waits to be confirmed.
	proposalKeep = 14 * 24 * time.Hour
	// decidedKeep is how long one is known that was published or taken away.
	decidedKeep = 14 * 24 * time.Hour
)

// digestFiles names the contents of files, and their names.
func digestFiles(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%q %s\n", name, Digest(files[name]))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest names a file's content.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Proposal finds a proposal; its ID is empty when there is none.
func (d *Desk) Proposal(ctx context.Context, id string) (Proposal, error) {
	p, err := d.stored(ctx, id)
	if err == nil && p.ID != "" {
		d.locate(ctx, &p)
	}
	return p, err
}

// stored is Proposal without how far it has come.
func (d *Desk) stored(ctx context.Context, id string) (Proposal, error) {
	i, err := d.store.Get(ctx, proposals, strings.ToUpper(strings.TrimSpace(id)))
	if err != nil || i.Version == 0 {
		return Proposal{}, err
	}
	return read(i)
}

// Proposals are those that wait and those that were decided on lately, the latest first.
func (d *Desk) Proposals(ctx context.Context) ([]Proposal, error) {
	items, err := d.store.Items(ctx, proposals)
	if err != nil {
		return nil, err
	}
	var all []Proposal
	for _, i := range items {
		p, err := read(i)
		if err != nil {
			d.o.Log.Warn("proposal not readable", slog.Any("error", err))
			continue
		}
		d.locate(ctx, &p)
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y Proposal) int { return cmp.Or(y.At.Compare(x.At), strings.Compare(x.ID, y.ID)) })
	return all, nil
}

func read(i bot.Item) (p Proposal, err error) {
	if err := json.Unmarshal(i.Data, &p); err != nil {
		return Proposal{}, fmt.Errorf("desk: proposal %s: %w", i.ID, err)
	}
	p.version = i.Version
	return p, nil
}

func (d *Desk) save(ctx context.Context, p *Proposal, keep time.Duration) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	if err := d.store.Put(ctx, proposals, p.ID, data, p.version, keep); err != nil {
		return err
	}
	p.version++
	return nil
}

// remove takes an item away, if it is there.
func (d *Desk) remove(ctx context.Context, kind, id string) error {
	item, err := d.store.Get(ctx, kind, id)
	if err != nil || item.Version == 0 {
		return err
	}
	return d.store.Put(ctx, kind, id, nil, item.Version, 0)
}

// origin names what made a proposal, a message say; without one it is something new.
func origin(seed string) string {
	if seed == "" {
		return rand.Text()
	}
	sum := sha256.Sum256([]byte("proposal\x00" + seed))
	return base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// proposalID names a proposal by its origin, so that the same again is the same proposal.
func proposalID(origin string, try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", origin, try))
	return base32.StdEncoding.EncodeToString(sum[:])[:4]
}

// keepFiles puts the contents of files on the shelf.
func (d *Desk) keepFiles(ctx context.Context, p *Proposal) error {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Edit != nil || c.Remove {
			continue
		}
		c.Sum = Digest(c.Data)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(c.Data)
		if err = errors.Join(err, z.Close()); err != nil {
			return fmt.Errorf("desk: %w", err)
		}
		item, err := d.store.Get(ctx, proposalFiles, c.Sum)
		if err == nil {
			err = d.store.Put(ctx, proposalFiles, c.Sum, b.Bytes(), item.Version, proposalKeep+time.Hour)
		}
		if err != nil && !errors.Is(err, bot.ErrStale) { // another has just put the same there
			return err
		}
	}
	return nil
}

// Open reads the contents of a proposal's files.
func (d *Desk) Open(ctx context.Context, p *Proposal) error {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Sum == "" || c.Data != nil {
			continue
		}
		item, err := d.store.Get(ctx, proposalFiles, c.Sum)
		if err != nil {
			return err
		}
		z, err := gzip.NewReader(bytes.NewReader(item.Data))
		if err == nil {
			c.Data, err = io.ReadAll(io.LimitReader(z, knowledge.MaxFileBytes+1))
		}
		if err == nil && Digest(c.Data) != c.Sum {
			err = errors.New("its bytes are not what was proposed")
		}
		if err != nil {
			return fmt.Errorf("desk: proposal %s, file %s: %w", p.ID, c.File, err)
		}
	}
	return nil
}

// Diff is what a proposal changes in the state Base.
type Diff struct {
	Base int `json:"base"`
	// Changes are the first of All.
	Changes []knowledge.Change `json:"changes"`
	All     int                `json:"all"`
	// Answers are what it teaches, as the gate found it.
	Answers []Answer `json:"answers,omitempty"`
}

const (
	diffs = "proposal-diffs"
	// maxChanges bounds the changes that are kept, and maxChangeLines the lines of each.
	maxChanges     = 200
	maxChangeLines = 100
)

func newDiff(base int, changes []knowledge.Change, answers []Answer) Diff {
	diff := Diff{Base: base, Changes: slices.Clone(changes[:min(len(changes), maxChanges)]), All: len(changes), Answers: answers}
	for i := range diff.Changes {
		c := &diff.Changes[i]
		c.Before, c.After = c.Before[:min(len(c.Before), maxChangeLines)], c.After[:min(len(c.After), maxChangeLines)]
	}
	return diff
}

// keepDiff keeps what a proposal changes, so that its page need not read the knowledge.
func (d *Desk) keepDiff(ctx context.Context, id string, diff Diff) error {
	data, err := json.Marshal(diff)
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	item, err := d.store.Get(ctx, diffs, id)
	if err == nil {
		err = d.store.Put(ctx, diffs, id, data, item.Version, proposalKeep+time.Hour)
	}
	return ignoreStale(err) // another judges the same
}

// ignoreStale is the error unless another was first, who did the same.
func ignoreStale(err error) error {
	if errors.Is(err, bot.ErrStale) {
		return nil
	}
	return err
}

// Diff gives what a proposal changes.
func (d *Desk) Diff(ctx context.Context, id string) (diff Diff, err error) {
	item, err := d.store.Get(ctx, diffs, id)
	if err != nil || item.Version == 0 {
		return diff, err
	}
	if err := json.Unmarshal(item.Data, &diff); err != nil {
		return diff, fmt.Errorf("desk: proposal %s: %w", id, err)
	}
	return diff, nil
}

// ErrMoved means that a file was changed after the proposal was made.
var ErrMoved = errors.New("desk: the file was changed meanwhile")

// apply puts a proposal's changes into the files of a state.
func (p *Proposal) apply(s State) (map[string][]byte, error) {
	files := maps.Clone(s.Files)
	for _, c := range p.Changes {
		if c.Edit != nil {
			changed, err := edit(s, files, c)
			if err != nil {
				return nil, err
			}
			files[c.File] = changed
			continue
		}
		was, there := files[c.File]
		switch {
		case there != (c.Was != "") || there && Digest(was) != c.Was:
			return nil, fmt.Errorf("%w: %s", ErrMoved, c.File)
		case c.Remove:
			delete(files, c.File)
		default:
			files[c.File] = c.Data
		}
	}
	return files, nil
}

// edit gives the notes with an edit in them.
func edit(s State, files map[string][]byte, c Change) ([]byte, error) {
	notes, ok := files[c.File]
	if !ok {
		id := strings.TrimSuffix(c.File, knowledge.NotesSuffix)
		i := slices.IndexFunc(s.Library.Documents, func(d *knowledge.Document) bool { return d.ID == id })
		if i < 0 {
			return nil, curate.ErrPlace
		}
		notes = Skeleton(s.Library.Documents[i])
	}
	return c.Edit.Apply(notes)
}

// NewFindings are what is doubtful in a library and was not in the one before.
func NewFindings(was, is *knowledge.Library) (lines []string) {
	for _, f := range doubts(was, is) {
		lines = append(lines, f.String())
	}
	return lines
}

// Refused are the new findings that keep a library from being published.
func Refused(was, is *knowledge.Library) (lines []string) {
	for _, f := range doubts(was, is) {
		if f.Refused {
			lines = append(lines, f.String())
		}
	}
	return lines
}

// doubts are the findings that were not in the library before.
func doubts(was, is *knowledge.Library) (findings []knowledge.Finding) {
	known := map[string]int{}
	for _, f := range was.Findings() {
		known[f.File+f.Message]++
	}
	for _, f := range is.Findings() {
		if known[f.File+f.Message]--; known[f.File+f.Message] < 0 && !f.Advice {
			findings = append(findings, f)
		}
	}
	return findings
}
