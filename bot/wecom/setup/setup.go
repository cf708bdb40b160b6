// Package setup is the guide to what has to be set in WeCom's admin console. It is one text,
// README.zh-CN.md beside this file, for people who read it and for doctor and the console,
// which ask its questions in order. What the program can see by itself is not its business.
package setup

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

//go:embed README.zh-CN.md
var guide string

// Step is one question of the guide.
type Step struct {
	// Key names it: aibot.members.
	Key string
	// Channel is the part before the dot: aibot, app, kf.
	Channel string
	// Product is the channel's name in Chinese.
	Product string
	// Question is for people; Where are lines that say where in the admin console to look,
	// and what has to stand there.
	Question string
	Where    []string
}

// Finding is what the program itself sees of a step.
type Finding struct{ Mark, Text string }

// Marks of a Finding.
const (
	Good    = "✓"
	Bad     = "✗"
	Perhaps = "！" // bad if people say so
	Note    = "·" // neither: it has not been seen, or people have to look
)

// Report is a step with what the program sees of it.
type Report struct {
	Step
	Findings []Finding
}

// heading is a line like "### question <!-- key -->", and of two signs a product's.
var heading = regexp.MustCompile(`^(##|###) (.+?) <!-- ([a-z.]+) -->$`)

// Steps are all questions in their order.
var Steps = sync.OnceValue(func() []Step { return parse(guide) })

func parse(text string) (steps []Step) {
	product := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		m := heading.FindStringSubmatch(line)
		switch {
		case m != nil && m[1] == "##":
			product = m[2]
		case m != nil:
			channel, _, _ := strings.Cut(m[3], ".")
			steps = append(steps, Step{Key: m[3], Channel: channel, Product: product, Question: m[2]})
		case line != "" && len(steps) > 0 && !strings.HasPrefix(line, "#"):
			last := &steps[len(steps)-1]
			last.Where = append(last.Where, line)
		}
	}
	return steps
}
