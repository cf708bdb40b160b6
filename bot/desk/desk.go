// Package desk is the coordinators' desk in the chat: what was not answered, why an answer
// is what it is, and teaching the bot a way to ask, which a second coordinator confirms
// before it counts. It knows who may do what and how a proposal becomes a published
// state; it knows nothing of stores, files and replicas.
//
// Read desk.go (the commands) first, then proposal.go.
package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
)

// State is one state of the knowledge.
type State struct {
	Number  int
	Files   map[string][]byte
	Library *knowledge.Library
}

// Publication is who publishes what and why.
type Publication struct {
	Author, Approver, Reason, Override string
}

// Publisher puts states in force, for all replicas.
type Publisher interface {
	// InForce is the state that is answered from. It fails with ErrFiles when that is not
	// a published one.
	InForce() (State, error)
	// Read makes a library of files.
	Read(files map[string][]byte) (*knowledge.Library, error)
	// Gate names, a line each, what came out right in one state and does not in another.
	Gate(ctx context.Context, was, is *knowledge.Library) ([]string, error)
	// Publish puts files in force as the state of that number, and gives its number. It
	// fails with ErrStale when another was published meanwhile.
	Publish(ctx context.Context, number int, p Publication, files map[string][]byte) error
	// Describe is one line on the state in force.
	Describe() (string, error)
}

// Errors of a Publisher.
var (
	ErrFiles = errors.New("desk: the knowledge is files that the settings name; edit those")
	ErrStale = errors.New("desk: another version was published meanwhile")
)

// Store is what the desk keeps.
type Store interface {
	bot.Shelf
	bot.Misses
}

// Options of a Desk. Coordinators is needed, or nobody may do anything.
type Options struct {
	// Coordinators are the user ids of those who may.
	Coordinators []string
	// People is how many it takes to publish: 1, or 2 with the one who proposed.
	//
	// default: 2
	People int
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told what was done, by whom only as a digest.
	//
	// default: discard
	Log *slog.Logger
}

// Desk does what coordinators say. It may be used by many at once; Close waits for what
// is under way.
type Desk struct {
	store     Store
	publisher Publisher
	o         Options

	judging sync.Mutex // one gate at a time: it takes all there is of a core
	work    sync.WaitGroup
	ctx     context.Context
	end     context.CancelFunc
}

// New makes a desk.
func New(s Store, p Publisher, o Options) *Desk {
	if o.People != 1 {
		o.People = 2
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{store: s, publisher: p, o: o}
	d.ctx, d.end = context.WithCancel(context.Background())
	return d
}

// Close ends what is under way, and waits.
func (d *Desk) Close() {
	d.end()
	d.work.Wait()
}

// call is one command as it was said.
type call struct {
	ctx   context.Context
	index *index.Generation
	id    string // of the message; the same message again does nothing again
	who   string
	rest  string // what follows the command
	quote string
}

// commands are what can be said, by name. To add one: write its method, add a row, and
// a line to textUse.
var commands = map[string]func(*Desk, call) (string, error){
	"未答":  (*Desk).unanswered,
	"为什么": (*Desk).why,
	"教":   (*Desk).teach,
	"准":   (*Desk).approve,
	"否":   (*Desk).reject,
	"待准":  (*Desk).pending,
	"版本":  (*Desk).version,
	"协调":  func(*Desk, call) (string, error) { return textUse, nil },
}

// Texts that coordinators read.
const (
	textOnly = "这个命令只有协调员能用。"
	textUse  = "/协调 这份说明\n/未答 没答上的问题\n/为什么 问题\n/教 节名 第几条（引用没答上的问题，或把问法写在后面）\n/待准 等确认的提议\n/准 编号、/否 编号\n/版本"
	textAway = "暂时办不了：%s。稍后再试，什么都没有改动。"
)

// Command does what a message says that begins with a stroke. ours is false for what is no
// command of the desk's.
func (d *Desk) Command(ctx context.Context, g *index.Generation, m bot.Message) (text string, ours bool) {
	name, rest := parse(m.Text)
	do, known := commands[name]
	if !known {
		return "", false
	}
	if !slices.Contains(d.o.Coordinators, string(m.Asker)) {
		return textOnly, true
	}
	text, err := do(d, call{ctx, g, m.ID, string(m.Asker), rest, strings.TrimSpace(m.Quote)})
	switch {
	case errors.Is(err, ErrFiles):
		text = "现在的知识来自设置里指定的文件（knowledge.paths），请直接改那些文件。"
	case err != nil:
		d.o.Log.Warn("coordinator's command failed", slog.Any("asker", m.Asker), slog.Any("error", err))
		text = fmt.Sprintf(textAway, "存储或发布出错，日志里有原因")
	}
	return text, true
}

// parse takes the command's name off: /教 节名 5 and /教节名 5 are the same.
func parse(text string) (name, rest string) {
	text = strings.TrimSpace(text)
	body, ok := strings.CutPrefix(text, "/")
	if !ok {
		if body, ok = strings.CutPrefix(text, "／"); !ok {
			return "", ""
		}
	}
	for name := range commands { // none begins with another
		if rest, ok := strings.CutPrefix(body, name); ok {
			return name, strings.TrimSpace(rest)
		}
	}
	return "", ""
}

// listed bounds what one message lists.
const listed = 10

func (d *Desk) unanswered(c call) (string, error) {
	all, err := d.store.Unanswered(c.ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "没有没答上的问题。", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "没答上的问题共 %d 个，问得最多的：", len(all))
	for i, u := range all[:min(len(all), listed)] {
		fmt.Fprintf(&b, "\n%d、%s（%d 次，最近 %s）", i+1, bot.Disarm(shorten(u.Question, 60)), u.Count, u.Last.In(china).Format("01-02 15:04"))
		if p, ok := c.index.Library().Passage(u.Nearest); ok {
			fmt.Fprintf(&b, "\n   最接近：%s", placeOf(p))
		}
	}
	b.WriteString("\n引用其中一个问题回复：/教 节名 第几条")
	return b.String(), nil
}

var china = time.FixedZone("Asia/Shanghai", 8*60*60)

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// placeOf names a passage as coordinators do.
func placeOf(p knowledge.Passage) string {
	if p.Number == 0 {
		return cmp.Or(p.Heading, shorten(p.Text, 20))
	}
	return fmt.Sprintf("%s第%d条", p.Heading, p.Number)
}

// maxWhy bounds an explanation in characters.
const maxWhy = 600

func (d *Desk) why(c call) (string, error) {
	question := cmp.Or(c.rest, withoutMention(c.quote))
	if question == "" {
		return "写成：/为什么 问题，或引用一个问题再发 /为什么。", nil
	}
	asked, err := bot.Read(c.ctx, c.index, question)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range asked {
		explain(&b, a.Decision.Explain(3), c.index.Library())
	}
	return shorten(strings.TrimSpace(b.String()), maxWhy), nil
}

func explain(b *strings.Builder, x index.Explanation, l *knowledge.Library) {
	fmt.Fprintf(b, "问题：%s\n实义：%s\n", bot.Disarm(x.Question), bot.Disarm(strings.Join(x.Content, " ")))
	if x.Correction != nil {
		fmt.Fprintf(b, "按“%s”理解\n", x.Correction.To)
	}
	for _, s := range x.Synonyms {
		fmt.Fprintf(b, "词汇：%s → %s（%.2f）\n", bot.Disarm(s.Words), s.Group, s.Weight)
	}
	if x.Outside != nil {
		fmt.Fprintf(b, "没有写的话题：%s %.2f\n", x.Outside.Topic, x.Outside.Score)
	}
	for _, h := range x.Candidates {
		mark, place := "　", h.ID
		if h.Chosen {
			mark = "√"
		}
		if p, ok := l.Passage(h.ID); ok {
			place = placeOf(p)
		}
		fmt.Fprintf(b, "%s%.2f %s", mark, h.Score, place)
		if h.Asked != "" {
			fmt.Fprintf(b, "（最近的问法“%s” %.2f）", shorten(h.Asked, 16), h.Alike)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "达到 %.2f 才作答；决定：%s\n", x.Bar, x.Decision)
}

func (d *Desk) version(call) (string, error) {
	text, err := d.publisher.Describe()
	return bot.Disarm(text), err
}

// withoutMention takes a leading @name off a quoted question.
func withoutMention(text string) string {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "@") {
		return text
	}
	if i := strings.IndexAny(text, " \u2005\u00a0\n"); i > 0 {
		_, size := utf8.DecodeRuneInString(text[i:])
		return strings.TrimSpace(text[i+size:])
	}
	return text
}
