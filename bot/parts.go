package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/index"
	"aeobot/knowledge"
)

// Asked is one question of a message with what the knowledge says to it.
type Asked struct {
	Question string
	Decision index.Decision
}

// Searcher decides what a question gets.
type Searcher interface {
	Search(ctx context.Context, text string) (index.Decision, error)
}

// Limits of parting a message, in units of index.Hit.Score.
const (
	// maxParts bounds the questions of one message.
	maxParts = 5
	// maxPieces bounds the pieces of a long story that are looked at.
	maxPieces = 12
	// substance is how many units beyond AEO and 有没有 a piece needs to be looked at.
	substance = 2
	// alone is the score a piece needs to count as a question of its own; aloneSection
	// how surely it must name a section.
	alone, aloneSection = 1.75, 0.75
	// heard is the share of the best score that what a piece leads to must have for
	// the whole message, to be something that the message asks for as well.
	heard = 0.28
	// clearer is how much better than the whole message a piece must be to stand
	// for it: people tell stories around their question. In a short message, of at
	// most so many units that say something, what stands before the question mostly
	// belongs to it.
	clearer, clearerShort, shortMessage = 1.10, 2.00, 18
)

// Read parts a message into its questions and decides each. A message whose
// pieces ask for different things is answered piece by piece; of a story around
// one question the piece that asks counts; anything else is one question.
func Read(ctx context.Context, s Searcher, text string) ([]Asked, error) {
	whole, err := s.Search(ctx, text)
	if err != nil {
		return nil, err
	}
	one := []Asked{{text, whole}}
	sentences, err := ask(ctx, s, pieces(text, sentenceEnds))
	if err != nil {
		return nil, err
	}
	if marked := marked(sentences); len(marked) > 1 && len(marked) <= maxParts && strength(clearest(marked).Decision) > 0 {
		return marked, nil
	}
	clauses, err := ask(ctx, s, pieces(text, sentenceEnds+clauseEnds))
	if err != nil || len(clauses) < 2 {
		return one, err
	}
	if several := several(clauses, whole); several != nil {
		return several, nil
	}
	least := clearer
	if whole.Query.Substance() <= shortMessage {
		least = clearerShort
	}
	if best := clearest(slices.Concat(sentences, clauses)); strength(best.Decision) >= least*strength(whole) && strength(best.Decision) > 0 {
		return []Asked{best}, nil
	}
	return one, nil
}

// marked are the sentences that end in a question mark.
func marked(sentences []Asked) []Asked {
	return slices.DeleteFunc(slices.Clone(sentences), func(a Asked) bool {
		return !strings.HasSuffix(a.Question, "?") && !strings.HasSuffix(a.Question, "？")
	})
}

func ask(ctx context.Context, s Searcher, pieces []string) ([]Asked, error) {
	asked := make([]Asked, len(pieces))
	for i, p := range pieces {
		d, err := s.Search(ctx, p)
		if err != nil {
			return nil, err
		}
		if d.Query.Substance() < substance {
			d = index.Decision{Kind: index.Refused, Query: d.Query}
		}
		asked[i] = Asked{p, d}
	}
	return asked, nil
}

// strength is how surely a decision answers; 0 for a refusal.
func strength(d index.Decision) float64 {
	if !answered(d) || len(d.Hits) == 0 {
		return 0
	}
	return d.Hits[0].Score
}

// clearest is the piece that is answered best, the first of equals.
func clearest(asked []Asked) Asked {
	var best Asked
	for _, a := range asked {
		if strength(a.Decision) > strength(best.Decision) {
			best = a
		}
	}
	return best
}

// several gives the questions of a message that asks for different things, or nil.
func several(asked []Asked, whole index.Decision) []Asked {
	var parts []Asked
	tops := map[string]bool{}
	for _, a := range asked {
		switch {
		case standsAlone(a.Decision):
			parts = append(parts, a)
			tops[top(a.Decision)] = true
		case !answered(a.Decision) && asks(a.Question):
			parts = append(parts, a) // an unanswered part is named
		}
	}
	if len(tops) < 2 || len(parts) > maxParts || whole.Kind == index.Sections && len(whole.Sections) > 1 {
		return nil
	}
	for _, a := range parts {
		if a.Decision.Kind == index.Measures && scoreOf(whole, a.Decision.Hits[0].Passage.ID) < heard*bestScore(whole) {
			return nil
		}
	}
	return parts
}

func standsAlone(d index.Decision) bool {
	if d.Kind == index.Sections {
		return strength(d) >= aloneSection
	}
	return strength(d) >= alone
}

// scoreOf is how well a passage matches a decision's question, and bestScore how
// well the best does.
func scoreOf(d index.Decision, id string) float64 {
	for _, h := range d.Ranked {
		if h.Passage.ID == id {
			return h.Score
		}
	}
	return 0
}

func bestScore(d index.Decision) float64 {
	if len(d.Ranked) == 0 {
		return 0
	}
	return d.Ranked[0].Score
}

// top names what a decision leads to.
func top(d index.Decision) string {
	if d.Kind == index.Sections {
		return strings.Join(sectionIDs(d.Sections), " ")
	}
	return d.Hits[0].Passage.ID
}

func sectionIDs(sections []*knowledge.Section) []string {
	ids := make([]string, len(sections))
	for i, s := range sections {
		ids[i] = s.ID
	}
	return ids
}

// asks tells whether a piece reads like a question by itself.
func asks(piece string) bool {
	return strings.ContainsAny(piece, "?？吗呢") || strings.Contains(piece, "什么") || strings.Contains(piece, "怎么") || strings.Contains(piece, "有没有")
}

// What ends a sentence, and a clause in it.
const (
	sentenceEnds = "?？!！。；;\n"
	clauseEnds   = "，,、"
)

// joiners part two things asked for in one breath; 还有其他 and 还有什么 part nothing.
var joiners = regexp.MustCompile(`(还有|以及|另外|顺便)([^其什哪别没更啥])`)

// pieces cuts a message where a piece may end; the end stays with its piece. What
// holds no word is no piece. Of a very long story the last pieces count, since
// people come to their question in the end.
func pieces(text, ends string) []string {
	var all []string
	if strings.Contains(ends, clauseEnds) {
		text = joiners.ReplaceAllString(text, "，$1$2")
	}
	for text != "" {
		end := strings.IndexAny(text, ends)
		if end < 0 {
			end = len(text)
		}
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if !strings.ContainsRune(ends, r) {
				break
			}
			end += size
		}
		if piece := strings.TrimSpace(text[:end]); said(piece) != "" {
			all = append(all, strings.TrimRight(piece, clauseEnds))
		}
		text = text[end:]
	}
	return all[max(0, len(all)-maxPieces):]
}
