package main

import (
	"fmt"
	"path"
	"strings"

	"aeobot/bot/desk"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// places are where the names of judged questions (direct/5, direct/* for all of a
// section; see eval.Contents) and the ids of passages stand, in the words of those who
// keep the knowledge.
type places map[string]string

// placesOf reads them off states of the knowledge; of two, the later one counts.
func placesOf(states ...*knowledge.Library) places {
	all := places{}
	for _, l := range states {
		for _, p := range l.Passages() {
			place := desk.PlaceOf(p)
			all[p.ID] = place
			if p.Name == "" {
				continue
			}
			all[p.Name] = place
			if p.Section != nil {
				all[path.Dir(p.Name)+"/*"] = p.Heading + "（整节）"
			}
		}
	}
	return all
}

// placesShown is how many are named one by one.
const placesShown = 6

// say puts places for names; what it does not know stays as it is.
func (all places) say(names []string) []string {
	said := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), placesShown)] {
		parts := strings.Split(name, "+") // what belongs to one part of a message
		for i, part := range parts {
			if place, ok := all[part]; ok {
				parts[i] = place
			}
		}
		said = append(said, strings.Join(parts, "和"))
	}
	if len(names) > placesShown {
		said = append(said, fmt.Sprintf("等 %d 条", len(names)))
	}
	return said
}

func (all places) sayDifferences(differences []eval.Difference) {
	for i, d := range differences {
		differences[i].Expect, differences[i].Before, differences[i].After = all.say(d.Expect), all.say(d.Before), all.say(d.After)
	}
}
