package console

import (
	"fmt"
	"strings"
)

// chart is a picture of figures over time, drawn on the server: its marks are numbers and
// class names, so that no style and no script is needed. Rows say the same in words.
type chart struct {
	Title string
	Key   []key
	Bars  []bar
	Lines []line
	Texts []text
	Head  []string
	Rows  [][]string
}

type key struct{ Class, Name string }

type bar struct {
	X, Y, W, H float64
	Class, Tip string
}

type line struct{ Class, Points string }

type text struct {
	X, Y   float64
	Anchor string
	Text   string
}

// The picture's coordinates: what is left of left and below bottom are labels.
const (
	chartWidth, chartHeight = 560.0, 190.0
	left, right             = 66.0, 8.0 // 71.5 ms in the letters of a phone
	top, bottom             = 10.0, 24.0
	plotWidth               = chartWidth - left - right
	plotHeight              = chartHeight - top - bottom
	// labelled is how many dates stand below a picture at most.
	labelled = 8
)

// series is a row of figures, one for each label.
type series struct {
	key
	values []float64
}

// axes begins a chart with dates below and the highest value at the left.
func axes(title string, labels []string, highest float64, say func(float64) string, all []series) chart {
	c := chart{Title: title, Head: []string{"日期"}}
	c.Lines = append(c.Lines, line{"axis", fmt.Sprintf("%g,%g %g,%g %g,%g", left, top, left, top+plotHeight, left+plotWidth, top+plotHeight)})
	for _, s := range all {
		c.Key = append(c.Key, s.key)
		c.Head = append(c.Head, s.Name)
	}
	every := max(1, (len(labels)+labelled-1)/labelled)
	for i, l := range labels {
		row := []string{l}
		for _, s := range all {
			row = append(row, say(s.values[i]))
		}
		c.Rows = append(c.Rows, row)
		if i%every == 0 {
			c.Texts = append(c.Texts, text{middle(i, len(labels)), chartHeight - 6, "middle", l})
		}
	}
	c.Texts = append(c.Texts, text{left - 4, top + 8, "end", say(highest)}, text{left - 4, top + plotHeight, "end", say(0)})
	return c
}

func middle(i, n int) float64 { return round1(left + plotWidth*(float64(i)+0.5)/float64(n)) }

func round1(x float64) float64 { return float64(int(x*10+0.5)) / 10 }

// stacked draws bars, the series one upon the other.
func stacked(title string, labels []string, say func(float64) string, all ...series) chart {
	highest := 1.0
	for i := range labels {
		sum := 0.0
		for _, s := range all {
			sum += s.values[i]
		}
		highest = max(highest, sum)
	}
	c := axes(title, labels, highest, say, all)
	width := plotWidth / float64(len(labels))
	for i, l := range labels {
		y := top + plotHeight
		for _, s := range all {
			h := plotHeight * s.values[i] / highest
			y -= h
			if h > 0 {
				c.Bars = append(c.Bars, bar{round1(left + width*float64(i) + width*0.1), round1(y), round1(width * 0.8), round1(h), s.Class,
					fmt.Sprintf("%s %s %s", l, s.Name, say(s.values[i]))})
			}
		}
	}
	return c
}

// lines draws a line for each series; a value below 0 is a gap.
func lines(title string, labels []string, highest float64, say func(float64) string, all ...series) chart {
	for _, s := range all {
		for _, v := range s.values {
			highest = max(highest, v)
		}
	}
	c := axes(title, labels, highest, say, all)
	for _, s := range all {
		var points []string
		flush := func() {
			if len(points) > 0 {
				c.Lines = append(c.Lines, line{"line-" + s.Class, strings.Join(points, " ")})
			}
			points = nil
		}
		for i, v := range s.values {
			if v < 0 {
				flush()
				continue
			}
			x, y := middle(i, len(labels)), round1(top+plotHeight*(1-v/highest))
			points = append(points, fmt.Sprintf("%g,%g", x, y))
			c.Bars = append(c.Bars, bar{x - 3, y - 3, 6, 6, s.Class, fmt.Sprintf("%s %s %s", labels[i], s.Name, say(v))})
		}
		flush()
	}
	return c
}
