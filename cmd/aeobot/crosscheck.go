package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"aeobot/bot/audit"
	"aeobot/bot/desk"
	"aeobot/configs"
)

// A chain of versions proves that no record was changed after another followed it, not that the
// last one is what somebody published: whoever can write files can write their hashes too. So
// the audit log keeps the digest of each record, and both are held against each other.
// Nothing is signed: whoever can write both can still forge both.

// logged is what the audit log says of the published versions.
type logged struct {
	last int           // highest number it names
	by   map[int]entry // by number
}

// entry is what it says of one.
type entry struct {
	line   int
	digest string // of the record; empty in a line of before there were digests
}

// loggedIn reads what the lines of a log say. Where a chain was adopted, what was said of the
// one before counts no more: the last record vouches for all before it.
func loggedIn(log []audit.Entry) logged {
	l := logged{by: map[int]entry{}}
	for _, e := range log {
		number, digest, ok := desk.Vouched(e.What, e.Object)
		if !ok {
			continue
		}
		if e.What == desk.Adopt {
			l = logged{by: map[int]entry{}}
		}
		l.by[number] = entry{e.Number, digest}
		l.last = max(l.last, number)
	}
	return l
}

// wrong says what versions, given by the digests of their records, are not what the log says.
func (l logged) wrong(digests []string) (all []string) {
	for _, n := range slices.Sorted(maps.Keys(l.by)) {
		switch e := l.by[n]; {
		case n > len(digests) || digests[n-1] == "":
			all = append(all, fmt.Sprintf("操作记录第 %d 行发布的版本 %d 不在这里", e.line, n))
		case e.digest != "" && e.digest != digests[n-1]:
			all = append(all, fmt.Sprintf("版本 %d 不是操作记录第 %d 行发布的那个：它的记录被换过", n, e.line))
		}
	}
	if l.last < len(digests) {
		all = append(all, fmt.Sprintf("操作记录里没有发布版本 %s 的那一行：版本是塞进来的，或者操作记录末尾被删过", span(l.last+1, len(digests))))
	}
	return all
}

// unvouched is up to which number nothing vouches for the versions: those published before
// there were digests, with none after them that has one.
func (l logged) unvouched() (from, to int) {
	for n, e := range l.by {
		if e.digest != "" {
			from = max(from, n)
		}
	}
	return from + 1, l.last
}

func span(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d–%d", from, to)
}

// crossCheck is how the versions and the audit log stand to each other.
type crossCheck struct {
	wrong []string
	// unvouched says for which versions the log has no digest, or is empty.
	unvouched string
}

const howToVouch = "核对内容（aeobot knowledge diff）：不是你们发布的，恢复到核对过的版本（aeobot knowledge rollback）；确认是你们的，用 aeobot knowledge versions --adopt local 重新记下。"

// newCrossCheck holds the versions here, and those of the shared store that are not here yet,
// against the audit log of all replicas. When the shared store cannot be reached, what is here
// has to do.
func newCrossCheck(ctx context.Context, c configs.Config) (x crossCheck, err error) {
	digests, err := published(c).Digests()
	if err != nil {
		return x, err
	}
	log := audit.Open(c.DataDir, nil)
	if c.Redis.URL.Reveal() != "" {
		if s, err := openStore(c, slog.New(slog.DiscardHandler)); err == nil {
			defer func() { _ = s.Close() }() // nothing was written
			if all, err := newExchange(c, s).compare(ctx); err == nil {
				digests, log = append(digests, all.digests[min(len(digests), len(all.digests)):]...), openAudit(c, s)
			}
		}
	}
	p, err := log.Compare(ctx)
	if err != nil {
		return x, err
	}
	return check(p.All, digests), nil
}

func check(log []audit.Entry, digests []string) (x crossCheck) {
	l := loggedIn(log)
	x.wrong = l.wrong(digests)
	if from, to := l.unvouched(); from <= to {
		x.unvouched = fmt.Sprintf("版本 %s 发布时操作记录还不记校验和，只能和各自的记录核对；再发布一次，新的一行连同它们一起担保", span(from, to))
	}
	return x
}

// errUnvouched means that versions are not what the audit log says of them.
var errUnvouched = errors.New("the published versions are not what the audit log says")

// err is what is wrong, or nil.
func (x crossCheck) err() error {
	if len(x.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errUnvouched, x.wrong[0])
}

// write says how the versions stand to the audit log.
func (x crossCheck) write(out io.Writer, versions int) {
	for _, w := range x.wrong {
		fmt.Fprintf(out, "不符：%s\n", w)
	}
	switch {
	case len(x.wrong) > 0:
		fmt.Fprintln(out, howToVouch)
	case x.unvouched != "":
		fmt.Fprintln(out, x.unvouched+"。")
	case versions > 0:
		fmt.Fprintln(out, "和操作记录里发布时记下的校验和一致（没有签名：能同时改写两处的人仍能伪造）。")
	}
}

// short is how a command ends that has written it.
func (x crossCheck) short() error {
	if len(x.wrong) > 0 {
		return errShort
	}
	return nil
}

// vouchFor holds the versions against the audit log whenever another is in force. The line of a
// publication comes a moment after it, so that only the second look counts.
func (s *server) vouchFor() func(context.Context) error {
	vouched, doubted := "", false
	return func(ctx context.Context) error {
		digests, err := published(s.settings).Digests()
		if err != nil || len(s.settings.Knowledge.Paths) > 0 || vouched == strings.Join(digests, "") {
			return err
		}
		p, err := audit.Open(s.settings.DataDir, nil).Compare(ctx)
		if err != nil {
			return err
		}
		wrong := check(p.All, digests).err()
		if wrong == nil {
			vouched = strings.Join(digests, "")
		} else if !doubted {
			doubted = true
			return nil
		} else {
			wrong = fmt.Errorf("%w; aeobot knowledge versions tells more", wrong)
		}
		doubted = wrong != nil
		s.unvouched.Store(reason(wrong))
		return wrong
	}
}
