package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/bot/tally"
	"aeobot/knowledge"
)

// figures are what all replicas counted, and how answers were rated.
type figures struct {
	days  []tally.Day
	rated []bot.Feedback
}

const (
	// figuresFor is how long figures are good enough to be shown again.
	figuresFor = 5 * time.Second
	// shownDays is how many days the pictures show.
	shownDays = 30
	topShown  = 10
)

// counted gives the figures.
func (c *Console) counted(ctx context.Context) (figures, error) {
	return c.figures.get(ctx, c, func(ctx context.Context) (f figures, err error) {
		if f.days, err = tally.Days(ctx, c.o.Shelf); err == nil {
			f.rated, err = c.o.Feedback.Feedback(ctx)
		}
		return f, err
	})
}

// overview is what the first page shows.
type overview struct {
	Today, All      tally.Counts
	P50, P99        string
	Open, Pending   int
	Useful, Useless int
	Charts          []chart
	Channels        []share
	Measures        []share
	Rows            []desk.Row
	Version         string
	Trouble         []string
	Passages        int
}

// share is a bar with what it stands for.
type share struct {
	Name, Link string
	Count, Of  int
	Note       string
}

func (c *Console) showOverview(p *page) error {
	f, err := c.counted(p.ctx)
	if err != nil {
		return err
	}
	rows, err := c.o.Desk.Rows(p.ctx, p.index)
	if err != nil {
		return err
	}
	proposals, err := c.o.Desk.Proposals(p.ctx)
	if err != nil {
		return err
	}
	o := overview{Passages: len(p.index.Library().Passages()), Trouble: c.o.Trouble(p.ctx)}
	if o.Version, err = c.o.Desk.Describe(); err != nil {
		o.Version = "来自设置里指定的文件（knowledge.paths）"
	}
	all := o.take(c.window(f.days))
	o.Measures = topMeasures(all, p.index.Library())
	for _, r := range rows {
		if r.Unfinished() {
			o.Open++
			if len(o.Rows) < topShown {
				o.Rows = append(o.Rows, r)
			}
		}
	}
	for _, proposal := range proposals {
		if proposal.Waits() {
			o.Pending++
		}
	}
	o.rate(c.window(f.days), f.rated)
	return p.show("overview", "overview", "概览", o)
}

// window gives the days that are shown, the earliest first, with those on which nothing
// was asked.
func (c *Console) window(days []tally.Day) []tally.Day {
	by := map[string]tally.Day{}
	for _, d := range days {
		by[d.Date] = d
	}
	shown := make([]tally.Day, shownDays)
	for i := range shown {
		date := c.o.Now().In(china).AddDate(0, 0, i+1-shownDays).Format(time.DateOnly)
		shown[i] = by[date]
		shown[i].Date = date
	}
	return shown
}

// take draws the days, and gives their sum.
func (o *overview) take(days []tally.Day) (all tally.Day) {
	labels := dates(days)
	answered, refused, failed := newSeries("a", "答上", days), newSeries("b", "没答上", days), newSeries("c", "出错", days)
	rate, p50, p99 := newSeries("a", "答上的比例", days), newSeries("a", "一半在此之内", days), newSeries("b", "99% 在此之内", days)
	for i, d := range days {
		t := d.Total()
		answered.values[i], refused.values[i], failed.values[i] = float64(t.Answered), float64(t.Asked-t.Answered-t.Failed), float64(t.Failed)
		rate.values[i], p50.values[i], p99.values[i] = -1, -1, -1
		if t.Asked > 0 {
			rate.values[i] = 100 * float64(t.Answered) / float64(t.Asked)
			p50.values[i], p99.values[i] = milliseconds(d.Quantile(0.50)), milliseconds(d.Quantile(0.99))
		}
		all = all.Add(d)
	}
	hundred := func(v float64) string { return gapOr(v, "%.0f%%") }
	ms := func(v float64) string { return gapOr(v, "%.3g ms") }
	o.Charts = []chart{
		stacked("每天的问题", labels, whole, answered, refused, failed),
		lines("答上的比例", labels, 100, hundred, rate),
		lines("应答用时", labels, 1, ms, p50, p99),
	}
	o.Today, o.All = days[len(days)-1].Total(), all.Total()
	o.P50, o.P99 = ms(milliseconds(all.Quantile(0.50))), ms(milliseconds(all.Quantile(0.99)))
	for _, name := range slices.SortedFunc(maps.Keys(all.Channels), func(x, y string) int {
		return cmp.Or(cmp.Compare(all.Channels[y].Asked, all.Channels[x].Asked), cmp.Compare(x, y))
	}) {
		n := all.Channels[name]
		o.Channels = append(o.Channels, share{Name: channelName(name), Count: n.Asked, Of: max(o.All.Asked, 1), Note: "答上 " + percent(n.Answered, n.Asked)})
	}
	return all
}

func newSeries(class, name string, days []tally.Day) series {
	return series{key{class, name}, make([]float64, len(days))}
}

// rate draws how answers were rated.
func (o *overview) rate(days []tally.Day, rated []bot.Feedback) {
	good, bad := newSeries("a", "有用", days), newSeries("c", "没用", days)
	at := map[string]int{}
	for i, d := range days {
		at[d.Date] = i
	}
	for _, r := range rated {
		i, shown := at[r.At.In(china).Format(time.DateOnly)]
		switch {
		case !shown:
		case r.Rating == bot.Useful:
			good.values[i]++
			o.Useful++
		case r.Rating == bot.Useless:
			bad.values[i]++
			o.Useless++
		}
	}
	o.Charts = append(o.Charts, stacked("读者的评价", dates(days), whole, good, bad))
}

// dates are the days' names below a picture.
func dates(days []tally.Day) []string {
	names := make([]string, len(days))
	for i, d := range days {
		names[i] = d.Date[len("2006-"):]
	}
	return names
}

func whole(v float64) string { return fmt.Sprintf("%.0f", v) }

// topMeasures are the passages quoted most often.
func topMeasures(all tally.Day, l *knowledge.Library) (shares []share) {
	for _, id := range all.Top(topShown) {
		s := share{Name: id, Count: all.Measures[id]}
		if p, ok := l.Passage(id); ok {
			s.Name, s.Link, s.Note = desk.PlaceOf(p), id, short(40, p.Text)
		}
		shares = append(shares, s)
	}
	for i := range shares {
		shares[i].Of = max(shares[0].Count, 1)
	}
	return shares
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// gapOr says a value, or a stroke where there is none.
func gapOr(v float64, format string) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}
