// Package desk is the coordinators' desk: what was not answered, why an answer is what it
// is, and proposals that change the knowledge, which a gate judges and a second person
// confirms before they count. The chat and the console both work at it. It knows who may do
// what and how a proposal becomes a published state; it knows nothing of stores, files and
// replicas.
//
// What a published version takes back from people, and what they wanted to know, is its
// business too: recall.go, takeback.go, wishes.go.
//
// Read desk.go (the nouns) first, then proposal.go (what is proposed), stage.go (how far it
// has come), view.go (what is shown of it), decide.go (how it comes to count), rule.go (who may publish), taught.go (whether what is taught is answered),
// questions.go (what was asked in vain), chat.go (what is said in a chat).
package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// Difference is a question that comes out worse in a new state.
type Difference struct {
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Expect   []string `json:"expect,omitempty"` // what it should show; none for a question people asked
	Before   []string `json:"before,omitempty"` // what it shows
	After    []string `json:"after,omitempty"`  // what it would show
}

func (d Difference) line() string {
	return fmt.Sprintf("%s %s（现在 %s，改后 %s）", d.ID, d.Question, orNothing(d.Before), orNothing(d.After))
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "（无）"
	}
	return strings.Join(names, "、")
}

// Publisher puts states in force, for all replicas.
type Publisher interface {
	// InForce is the state that is answered from. It fails with ErrFiles when that is not
	// a published one.
	InForce() (State, error)
	// At is the state of a number; 0 is what the program brings along.
	At(number int) (State, error)
	// Read makes a library of files.
	Read(files map[string][]byte) (*knowledge.Library, error)
	// Gate gives what came out right in one state and does not in another. It tells
	// progress how many of all questions were asked. It fails with ErrQuestions when what
	// people asked cannot be read.
	Gate(ctx context.Context, was, is *knowledge.Library, progress func(asked, all int)) ([]Difference, error)
	// Publish puts files in force as the state of that number. It fails with ErrStale when
	// another was published meanwhile, and with ErrDiverged while the replicas' versions are
	// two chains.
	Publish(ctx context.Context, number int, p Publication, files map[string][]byte) error
	// Describe is one line on the state in force.
	Describe() (string, error)
}

// Errors of a Publisher.
var (
	ErrFiles = errors.New("desk: the knowledge is files that the settings name; edit those")
	ErrStale = errors.New("desk: another version was published meanwhile")
	// ErrDiverged means that the replicas' versions are two chains, of which one is to be
	// chosen first.
	ErrDiverged = errors.New("desk: the replicas have different versions")
	// ErrQuestions means that what people asked cannot be read, so that nothing was judged.
	ErrQuestions = errors.New("desk: the questions people asked cannot be read")
)

// Store is what the desk keeps.
type Store interface {
	bot.Shelf
	bot.Misses
	bot.Feedbacks
}

// Options of a Desk. Coordinators is needed, or nobody may do anything in a chat.
type Options struct {
	// Coordinators are the user ids of those who may, until SetCoordinators.
	Coordinators []string
	// People is how many it takes to publish: 1, or 2 with the one who proposed.
	//
	// default: 2
	People int
	// Keep is how long it is known what became of a question.
	//
	// default: 90 days
	Keep time.Duration
	// Index is what is answered from, for work that goes on after who asked for it has
	// gone.
	//
	// default: there is no such work
	Index bot.Retriever
	// RecallWithin is how far back those are looked for who were given words that a new
	// version takes back, and Given who was given what.
	//
	// default: nobody is looked for
	RecallWithin time.Duration
	Given        interface {
		Each(ctx context.Context, since time.Time, each func(at time.Time, g bot.Given)) error
		Remove(ctx context.Context, gone func(bot.Given) bool) (int, error)
	}
	// Compose answers a question as the knowledge in force does, for somebody who asked it
	// before, with a lead above the answer.
	//
	// default: nobody is told answers that come later
	Compose func(ctx context.Context, question, lead string, to bot.Address, s bot.Surface) (bot.Reply, error)
	// Pusher speaks first on a channel; nil: nobody can.
	//
	// default: nobody can on any
	Pusher func(channel string) bot.Pusher
	// Notify tells the coordinators' group something, in the platform's small Markdown, once
	// for an id.
	//
	// default: there is no such group
	Notify func(ctx context.Context, id, markdown string) error
	// Link is the address of a page of the console, or empty.
	//
	// default: empty
	Link func(path string) string
	// Audit takes down who did what.
	//
	// default: nobody
	Audit func(ctx context.Context, who, what, object string) error
	// Name names what shows who somebody is for a store that others may read.
	//
	// default: by itself
	Name func(ctx context.Context, text string) (string, error)
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of trouble, and of what was done, by whom only as a digest.
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

	coordinators atomic.Pointer[[]string]

	gates     gates
	work      sync.WaitGroup
	ctx       context.Context
	end       context.CancelFunc
	questions questions
	grants    grants
}

// New makes a desk.
func New(s Store, p Publisher, o Options) *Desk {
	if o.People != 1 {
		o.People = 2
	}
	if o.Keep <= 0 {
		o.Keep = 90 * 24 * time.Hour
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, string, string, string) error { return nil }
	}
	if o.Name == nil {
		o.Name = func(_ context.Context, text string) (string, error) { return text, nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{store: s, publisher: p, o: o}
	d.questions.topics = map[string]index.Topic{}
	d.ctx, d.end = context.WithCancel(context.Background())
	d.SetCoordinators(o.Coordinators)
	return d
}

// SetCoordinators has others do what coordinators may from now on.
func (d *Desk) SetCoordinators(userIDs []string) { d.coordinators.Store(&userIDs) }

// Close ends what is under way, and waits.
func (d *Desk) Close() {
	d.end()
	d.work.Wait()
}

// People is how many it takes to publish.
func (d *Desk) People() int { return d.o.People }

// did takes down what was done. That it could not be taken down does not undo it.
func (d *Desk) did(ctx context.Context, who, what, object string) {
	d.o.Log.Info(what, slog.Any("asker", bot.Asker(who)))
	if err := d.o.Audit(context.WithoutCancel(ctx), who, what, object); err != nil {
		d.o.Log.Error("not in the audit log", slog.String("what", what), slog.Any("error", err))
	}
}

var china = time.FixedZone("Asia/Shanghai", 8*60*60)

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
