package bot

import (
	"slices"
	"strconv"
	"strings"

	"aeobot/knowledge"
)

// View is one answer as it stands on the asker's screen: what 第3条, 更多 and 转发 mean.
// It holds references only.
type View struct {
	// Knowledge names the state of the knowledge the answer was made from.
	Knowledge string `json:"k"`
	// Day is the day that was asked about, when it was not the day of asking.
	Day string `json:"d,omitempty"`
	// Shown are references to what was quoted, in reading order, of all screens.
	Shown []string `json:"s"`
	// Screens tells where in Shown each screen begins that 更多 brought.
	Screens []int `json:"n,omitempty"`
	// Picked tells that they were picked by number from a longer list.
	Picked bool `json:"i,omitempty"`
	// Pending are the matches 更多 goes on with, in order.
	Pending []string `json:"p,omitempty"`
}

const (
	// maxViews is how many answers of a conversation are remembered, maxRefs how
	// many references of one, maxSeen how many sections.
	maxViews, maxRefs, maxSeen = 8, 200, 100
	// fingerprintLen is how much of a fingerprint tells two states of the knowledge apart.
	fingerprintLen = 16
)

// ref names what was quoted: a passage, or one clause of a long one.
func (h hit) ref() string {
	if h.clause > 0 {
		return h.passage.ID + "#" + strconv.Itoa(h.clause)
	}
	return h.passage.ID
}

func refs(hits []hit) []string {
	list := make([]string, len(hits))
	for i, h := range hits {
		list[i] = h.ref()
	}
	return list
}

// recall finds what references name; what has left the knowledge is left out.
func recall(l *knowledge.Library, list []string) []hit {
	var hits []hit
	for _, ref := range list {
		if p, ok := l.Passage(ref); ok {
			hits = append(hits, hit{passage: p, score: 1})
			continue
		}
		at := strings.LastIndexByte(ref, '#')
		if at < 0 {
			continue
		}
		if p, ok := l.Passage(ref[:at]); ok {
			clause, err := strconv.Atoi(ref[at+1:])
			if err != nil || clause > len(p.Clauses) {
				clause = 0
			}
			hits = append(hits, hit{passage: p, score: 1, clause: clause})
		}
	}
	return hits
}

// screen are the references on the last screen.
func (v *View) screen() []string {
	if len(v.Screens) == 0 {
		return v.Shown
	}
	return v.Shown[min(v.Screens[len(v.Screens)-1], len(v.Shown)):]
}

// next adds a screen.
func (v *View) next(shown, pending []string) {
	v.Screens = append(slices.Clone(v.Screens), len(v.Shown))
	v.Shown = append(slices.Clone(v.Shown), shown...)
	v.Pending = pending
	if len(v.Shown) > maxRefs { // of a very long list the screens before are forgotten
		cut := len(v.Shown) - max(len(shown), maxRefs)
		v.Shown, v.Screens = v.Shown[cut:], nil
	}
}

// turnBack takes the last screen off, so that 更多 brings it again. It tells
// whether there was one before it.
func (v *View) turnBack() bool {
	if len(v.Screens) == 0 {
		return false
	}
	last := v.Screens[len(v.Screens)-1]
	v.Pending = slices.Concat(v.Shown[last:], v.Pending)
	v.Shown = slices.Clone(v.Shown[:last])
	v.Screens = slices.Clone(v.Screens[:len(v.Screens)-1])
	return true
}

// sections are the sections of what was shown, in order of first appearance.
func sectionsOf(hits []hit) []*knowledge.Section {
	var all []*knowledge.Section
	for _, h := range hits {
		if s := h.passage.Section; s != nil && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// push remembers a new view, forgetting the oldest beyond maxViews.
func (s *Session) push(v View) {
	s.Views = append(slices.Clone(s.Views), v)
	s.Views = s.Views[max(0, len(s.Views)-maxViews):]
}

// replace puts v in the place of the latest view.
func (s *Session) replace(v View) {
	s.Views = append(slices.Clone(s.Views[:max(0, len(s.Views)-1)]), v)
}

// see notes a section most of which has been shown.
func (s *Session) see(id string) {
	if !slices.Contains(s.Seen, id) {
		s.Seen = append(slices.Clone(s.Seen), id)
		s.Seen = s.Seen[max(0, len(s.Seen)-maxSeen):]
	}
}
