package bot

import (
	"fmt"
	"strings"
)

// amount asks back what is asked of it.
func (t *turn) amount(Intent) (Reply, error) {
	return t.say(ActClarify, fmt.Sprintf(textAmount, t.text)), nil
}

// fraction says that no measure has such a number.
func (t *turn) fraction(in Intent) (Reply, error) {
	return t.say(ActClarify, fmt.Sprintf(textFraction, in.About)), nil
}

// markup is no question, unless the words in its brackets are one for themselves.
func (t *turn) markup(in Intent) (Reply, error) {
	var words []string
	for _, m := range inBrackets.FindAllStringSubmatch(t.text, -1) {
		words = append(words, m[1])
	}
	if text := strings.Join(words, " "); said(text) != "" {
		d, err := t.Search(t.ctx, text)
		if err != nil {
			return Reply{}, err
		}
		if answered(d) && standsAlone(d) {
			return t.ask(in)
		}
	}
	return t.say(ActHelp, TextMedia), nil
}
