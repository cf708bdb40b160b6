package console

import (
	"context"

	"aeobot/bot/wecom/setup"
)

// setupPage is the guide for people whose messages are not answered.
type setupPage struct{ Products []setupProduct }

type setupProduct struct {
	Name  string
	Steps []setupStep
}

type setupStep struct {
	Number int
	setup.Report
}

func (c *Console) showSetup(p *page) error {
	var s setupPage
	for n, r := range c.o.Setup(p.ctx) {
		if len(s.Products) == 0 || s.Products[len(s.Products)-1].Name != r.Product {
			s.Products = append(s.Products, setupProduct{Name: r.Product})
		}
		last := &s.Products[len(s.Products)-1]
		last.Steps = append(last.Steps, setupStep{n + 1, r})
	}
	return p.show("setup", "setup", "收不到消息？", s)
}

// withoutFindings is the guide alone.
func withoutFindings(context.Context) []setup.Report {
	var all []setup.Report
	for _, step := range setup.Steps() {
		all = append(all, setup.Report{Step: step})
	}
	return all
}
