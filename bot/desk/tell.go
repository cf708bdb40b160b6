package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"aeobot/bot"
)

const (
	// told is what people were told of a proposal last: its stage.
	told = "proposal-told"
	// toldKeep outlives the proposal.
	toldKeep = proposalKeep + decidedKeep
	// pushProposal begins the id of what an author is told.
	pushProposal = "proposal:"
)

// tellStage tells the coordinators' group that a proposal waits for them, and its author how
// it stands: once for each stage, whichever replica does it.
func (d *Desk) tellStage(ctx context.Context, p Proposal) error {
	group, author := d.news(p)
	if !p.Tell || group+author == "" {
		return nil
	}
	item, err := d.store.Get(ctx, told, p.ID)
	if err != nil || string(item.Data) == string(p.Stage) {
		return err
	}
	id := pushProposal + p.ID + ":" + string(p.Stage)
	if d.o.Notify != nil && group != "" {
		if err := d.o.Notify(ctx, id, group); err != nil {
			return err
		}
	}
	if author != "" {
		if err := d.tellAuthor(ctx, id, p, author); err != nil {
			return err
		}
	}
	return ignoreStale(d.store.Put(ctx, told, p.ID, []byte(p.Stage), item.Version, toldKeep))
}

// news is what the group and the author read of a stage; empty: nothing.
func (d *Desk) news(p Proposal) (group, author string) {
	title, link := bot.Disarm(shorten(p.Title, 60)), ""
	if d.o.Link != nil {
		link = d.o.Link("/console/proposals/" + p.ID)
	}
	mine := fmt.Sprintf("您的提议 %s（%s）", p.ID, title)
	switch p.Stage {
	case StagePassed, StageWorse, StageFailed, StageDead:
		group = fmt.Sprintf("**提议 %s 等确认：%s**\n> %s（提议的人：%s）\n%s", p.ID, p.Says(), title, p.Author, p.Advice())
		author = fmt.Sprintf("%s：%s。%s", mine, p.Says(), p.Advice())
		if p.Stage == StagePassed || p.Stage == StageWorse {
			group += "回复 /准 " + p.ID + " 确认，/否 " + p.ID + " 理由 作废"
			author += d.awaits(p)
		}
		if link != "" {
			group, author = group+"\n[打开提议]("+link+")", author+"\n"+link
		}
	case StagePublished:
		if !bot.SamePerson(p.Approver, p.Author) && p.Approver != "" {
			author = fmt.Sprintf("%s已由 %s 确认，发布为版本 %d。", mine, p.Approver, p.Published)
		}
	case StageRejected:
		if !bot.SamePerson(p.Rejected, p.Author) {
			author = mine + "已由 " + p.Rejected + " 作废，没有发布" + bot.Disarm(p.because())
		}
	}
	return group, author
}

// awaits says to an author who confirms.
func (d *Desk) awaits(p Proposal) string {
	if d.o.People == 1 {
		return "回复 /准 " + p.ID + " 发布。"
	}
	return "等别的协调员确认。"
}

// tellAuthor speaks to who made a proposal, where they did so, or as a member.
func (d *Desk) tellAuthor(ctx context.Context, id string, p Proposal, text string) error {
	places := []bot.Address{p.To.Place()}
	for _, channel := range []string{"app", "aibot"} {
		places = append(places, bot.Address{Channel: channel, Asker: bot.Asker(p.Author)})
	}
	for _, to := range places {
		pusher := d.pusher(to.Channel)
		if to.Channel == "" || pusher == nil {
			continue
		}
		if _, ok := pusher.Reach(to); !ok {
			continue
		}
		_, _, err := pusher.Push(ctx, id, to, []string{strings.TrimSpace(text)})
		if !errors.Is(err, bot.ErrCannot) {
			return err
		}
	}
	d.o.Log.Debug("the author of a proposal cannot be told", slog.String("proposal", p.ID))
	return nil
}
