package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"aeobot/bot"
)

// Way is how somebody publishes. Each is under the same rule.
type Way string

// Ways to publish.
const (
	ByChat    Way = "群聊"
	ByConsole Way = "控制台"
	ByCommand Way = "命令行"
)

// Publication is who publishes what and why.
type Publication struct {
	Author, Approver, Reason string
	// Override is why although something gets worse, or empty.
	Override string
	// Back is set when the state Of is brought back.
	Back bool
	Of   int
	Way  Way
	// Proposal is the id of the proposal that it was, or empty.
	Proposal string
}

// Errors of the rule.
var (
	// ErrSelf means that it takes another person.
	ErrSelf = errors.New("desk: it takes another person")
	// ErrWorse means that something got worse and no reason was given.
	ErrWorse = errors.New("desk: something gets worse")
	// ErrBase means that another state is in force than the one that what is to be published
	// was shown against.
	ErrBase = errors.New("desk: another version is in force than the one that the changes were shown against")
)

// Alone reports whether nobody but the author is behind a publication.
func (p Publication) Alone() bool {
	return bot.FoldPerson(p.Approver) == "" || bot.SamePerson(p.Approver, p.Author)
}

// May is the rule of all ways to publish: where it takes two people, the approver is not
// the author; what makes questions worse needs a reason of another person. Bringing a state
// back waits for no judgement: it is the way out when something is wrong. It fails with
// ErrSelf or ErrWorse.
func (d *Desk) May(p Publication, worse []Difference) error {
	switch {
	case d.o.People > 1 && p.Alone():
		return ErrSelf
	case len(worse) == 0 || p.Back:
		return nil
	case strings.TrimSpace(p.Override) == "":
		return ErrWorse
	case p.Alone():
		return ErrSelf
	}
	return nil
}

// CheckBase fails with ErrBase when a state is not the one that the changes were shown
// against; shown below 0: it is not said which that was.
func (s State) CheckBase(shown int) error {
	if shown >= 0 && shown != s.Number {
		return fmt.Errorf("%w: version %d is, and they were shown against %d", ErrBase, s.Number, shown)
	}
	return nil
}

// Release puts files in force as the state of that number, and takes it down in the audit
// log. Command line, chat and console all end here. It fails as May does, or with ErrStale.
func (d *Desk) Release(ctx context.Context, number int, p Publication, worse []Difference, files map[string][]byte) error {
	if err := d.May(p, worse); err != nil {
		return err
	}
	if len(worse) == 0 || p.Back {
		p.Override = ""
	}
	if err := d.publisher.Publish(ctx, number, p, files); err != nil {
		return err
	}
	d.did(ctx, cmp.Or(p.Approver, p.Author), p.act(), p.line(number))
	return nil
}

func (p Publication) act() string {
	if p.Override != "" {
		return "publish although worse"
	}
	return "publish"
}

// line is what the audit log has of a publication beside who put it in force.
func (p Publication) line(number int) string {
	line := fmt.Sprintf("%s → 版本 %d（%s，作者 %s）", strings.TrimSpace(p.Proposal+" "+p.Reason), number, p.Way, p.Author)
	if p.Override != "" {
		line += " 仍然发布：" + p.Override
	}
	return line
}
