package bot

import (
	"fmt"
	"strings"
)

// Handover says how to reach a person.
type Handover struct {
	// Text is what whoever asks for a person reads.
	//
	// default: that the bot is a program
	Text string
	// Coordinators are the user ids of those who look after the bot. Colleagues are told
	// them, people outside the company are not.
	Coordinators []string
}

// wantsPerson is under what wishes for a person stand on the coordinators' list, however
// they were put.
const wantsPerson = "转人工"

// person says how to reach one, and puts the wish on the coordinators' list.
func (t *turn) person(Intent) (Reply, error) {
	text := t.handover.Text
	if text == "" {
		text = textHandover
	}
	if len(t.handover.Coordinators) > 0 && !t.outside() {
		text += "\n" + fmt.Sprintf(textCoordinators, strings.Join(t.handover.Coordinators, "、"))
	}
	switch noted := t.noted(wantsPerson, nil) != ""; {
	case noted && t.outside():
		text += "\n" + textHandoverOutside
	case noted:
		text += "\n" + textHandoverNoted
	}
	r := t.say(ActHelp, text)
	r.handover = true
	return r, nil
}
