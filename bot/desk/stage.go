package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"aeobot/knowledge/curate"
)

// Stage is how far a proposal has come. It is worked out in one place, and page, list and
// chat say it in the same words; see Proposal.Says.
type Stage string

// Stages of a proposal.
const (
	StageWaiting    Stage = "waiting" // for its gate
	StageJudging    Stage = "judging"
	StagePassed     Stage = "passed"
	StageWorse      Stage = "worse"  // some questions would come out worse
	StageStale      Stage = "stale"  // it was judged against a state that is not in force any more
	StageFailed     Stage = "failed" // the gate could not be run
	StageDead       Stage = "dead"   // what it would change is not there any more
	StagePublishing Stage = "publishing"
	StagePublished  Stage = "published"
	StageRejected   Stage = "rejected"
)

// lagging is for how long a replica may not have the state yet that another has judged a
// proposal against.
const lagging = time.Minute

// locate fills in how far a proposal has come.
func (d *Desk) locate(ctx context.Context, p *Proposal) {
	judging := false
	if p.ahead, judging = d.gates.place(p.ID); p.Waits() {
		p.Asked, p.All = d.progress(ctx, p.ID)
	}
	switch {
	case p.Published > 0:
		p.Stage = StagePublished
	case p.Rejected != "":
		p.Stage = StageRejected
	case p.Claim != nil:
		p.Stage = StagePublishing
	case p.Dead:
		p.Stage = StageDead
	case judging || p.All > 0:
		p.Stage = StageJudging
	case p.Trouble != "":
		p.Stage = StageFailed
	case !p.Judged:
		p.Stage = StageWaiting
	case d.stale(*p):
		p.Stage = StageStale
	case len(p.Worse) > 0:
		p.Stage = StageWorse
	default:
		p.Stage = StagePassed
	}
}

// stale reports whether a proposal was judged against another state than the one in force.
func (d *Desk) stale(p Proposal) bool {
	state, err := d.publisher.InForce()
	return err == nil && p.Base != state.Number
}

// Says is the stage in words.
func (p Proposal) Says() string {
	switch p.Stage {
	case StageWaiting:
		if p.ahead > 0 {
			return fmt.Sprintf("等评测，前面还有 %d 个", p.ahead)
		}
		return "等评测"
	case StageJudging:
		return "正在评测"
	case StagePassed:
		if len(p.Notices) > 0 {
			return fmt.Sprintf("评测通过，有 %d 处要留意", len(p.Notices))
		}
		return "评测通过"
	case StageWorse:
		return fmt.Sprintf("%d 个问题会变差", len(p.Worse))
	case StageStale:
		return "知识在这期间更新过，等重新评测"
	case StageFailed:
		return p.Trouble
	case StageDead:
		return "不能发布了：" + p.Trouble
	case StagePublishing:
		return p.Claim.Who + " 正在发布"
	case StagePublished:
		return fmt.Sprintf("已发布为版本 %d", p.Published)
	case StageRejected:
		return "已由 " + p.Rejected + " 作废"
	}
	return string(p.Stage)
}

// Advice is what to do about a stage that does not speak for itself, or empty.
func (p Proposal) Advice() string {
	switch p.Stage {
	case StageWaiting, StageJudging, StageStale:
		if p.Back {
			return "恢复旧版本不用等评测。"
		}
		return "评测会自己做完，不用再按；做完再确认。"
	case StageFailed:
		return "在提议页按“重新评测”，或回复 /准 " + p.ID + " 再评测一次。"
	case StageDead:
		return "请作废，在现行的内容上重新提议。"
	}
	return ""
}

// due reports whether a proposal is to be judged against a state.
func (p Proposal) due(s State, now time.Time) bool {
	switch {
	case !p.Waits() || p.Claim != nil || p.Dead || p.Trouble != "":
		return false
	case p.Base > s.Number: // judged by a replica that is ahead of this one
		return !p.Judged || now.Sub(p.JudgedAt) > lagging
	}
	return !p.Judged || p.Base != s.Number
}

// obsolete says why a proposal can never be published that came to nothing in a state, or is
// empty.
func obsolete(err error) string {
	switch {
	case errors.Is(err, curate.ErrThere):
		return "现行的内容里已经有了"
	case errors.Is(err, ErrMoved), errors.Is(err, curate.ErrGone), errors.Is(err, curate.ErrPlace):
		return "要改的内容在这期间被改过"
	}
	return ""
}

// Tend sees to the proposals that wait: those that nobody has judged against the state in
// force, be it that whoever did so died, or that another state came into force, are judged;
// and people are told how they stand. Every replica calls it again and again.
func (d *Desk) Tend(ctx context.Context) error {
	state, err := d.publisher.InForce()
	if errors.Is(err, ErrFiles) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := d.Proposals(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[len(all)-1-i] // who came first is judged first
		err = cmp.Or(err, d.tend(ctx, state, p), d.tellStage(ctx, *p))
	}
	return err
}

func (d *Desk) tend(ctx context.Context, s State, p *Proposal) error {
	if p.Stage == StagePublishing {
		held, err := d.store.Get(ctx, claims, p.ID)
		if err != nil || held.Version > 0 {
			return err
		}
		return d.resolve(ctx, p)
	}
	if p.Stage == StageJudging || !p.due(s, d.o.Now()) {
		return nil
	}
	if why := d.outlived(ctx, s, p); why != "" {
		p.Dead, p.Trouble = true, why
		err := d.save(ctx, p, proposalKeep)
		d.locate(ctx, p)
		return ignoreStale(err)
	}
	if err := d.queue(p); err != nil && !errors.Is(err, ErrBusy) {
		return err
	}
	d.locate(ctx, p)
	return nil
}

// outlived says why a proposal comes to nothing in a state, without reading that anew.
func (d *Desk) outlived(ctx context.Context, s State, p *Proposal) string {
	if p.Back || d.Open(ctx, p) != nil {
		return ""
	}
	_, err := p.apply(s)
	return obsolete(err)
}
