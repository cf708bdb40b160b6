package bot

import (
	"fmt"
	"slices"
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
	// Customers tells that customer service hands a talk over to a person. Text is then what
	// a customer reads when that is not possible.
	Customers bool
}

// wantsPerson is under what wishes for a person stand on the coordinators' list, however
// they were put.
const wantsPerson = "转人工"

// person says how to reach one, and puts the wish on the coordinators' list.
func (t *turn) person(Intent) (Reply, error) {
	text := t.handover.Text
	switch {
	case text != "":
	case t.message.Account != "" && t.handover.Customers:
		text = textNotHandedOver
	default:
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
	r.WantsPerson = true
	return r, nil
}

// refusalsBeforeOffer is how many refusals in a row make the bot offer a person.
const refusalsBeforeOffer = 2

// offerPerson counts refusals in a row, and offers a person when there were enough: customer
// service by a menu of its own, others by a line.
func (t *turn) offerPerson(r *Reply) {
	if r.Act != ActRefuse {
		return
	}
	if t.after.Refused = t.before.Refused + 1; t.after.Refused < refusalsBeforeOffer {
		return
	}
	t.after.Refused = 0
	customer := t.message.Account != ""
	if r.OfferPerson = customer && t.handover.Customers; customer || t.handover.Text == "" && len(t.handover.Coordinators) == 0 {
		return
	}
	last := len(r.Pages) - 1
	if page := r.Pages[last] + "\n" + textOfferPerson; t.message.Surface.MaxBytes == 0 || len(page) <= t.message.Surface.MaxBytes {
		r.Pages = append(slices.Clone(r.Pages[:last]), page)
		r.Text = joinPages(r.Pages)
	}
}
