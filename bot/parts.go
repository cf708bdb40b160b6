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
	// certain is the score from which on a piece is a question of its own, however
	// faintly it is heard in the whole message.
	certain = 2.50
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
		if likely(a) > likely(best) {
			best = a
		}
	}
	return best
}

// asking is how much likelier a piece that reads like a question is to be the one
// that was meant.
const asking = 1.5

func likely(a Asked) float64 {
	if asks(a.Question) {
		return asking * strength(a.Decision)
	}
	return strength(a.Decision)
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
		if a.Decision.Kind == index.Measures && strength(a.Decision) < certain && scoreOf(whole, a.Decision.Hits[0].Passage.ID) < heard*bestScore(whole) {
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

// questions are words that questions are asked with.
var questions = regexp.MustCompile(`[?？吗呢啥谁哪]|什么|怎么|如何|多少|有不有|能不能|是不是|会不会|给不给|行不行|好不好|有没有|能否|可否|是否`)

// asks tells whether a piece reads like a question by itself.
func asks(piece string) bool { return questions.MatchString(piece) }

// What ends a sentence, and a clause in it.
const (
	sentenceEnds = "?？!！。；;\n"
	clauseEnds   = "，,、：:+＋"
)

// pairs part what stands beside 和 in a message that says it asks for two things.
var (
	pairs = regexp.MustCompile(`两|都|分别|各自`)
	and   = regexp.MustCompile(`(和|跟|与|以及)`)
)

// excepting pieces say what is not meant, and belong to the piece that follows.
var excepting = regexp.MustCompile(`^\s*(除|不看|不算|不要|抛开|撇开|排除)`)

// joiners part two things asked for in one breath; 还有其他 and 还有什么 part nothing.
var joiners = regexp.MustCompile(`(还有|以及|另外|顺便)([^其什哪别没更啥])`)

// pieces cuts a message where a piece may end; the end stays with its piece. What
// holds no word is no piece. Of a very long story the last pieces count, since
// people come to their question in the end.
func pieces(text, ends string) []string {
	var all []string
	if strings.Contains(ends, clauseEnds) {
		text = joiners.ReplaceAllString(text, "，$1$2")
		if pairs.MatchString(text) {
			text = and.ReplaceAllString(text, "，$1")
		}
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
		piece := strings.TrimSpace(text[:end])
		text = text[end:]
		if excepting.MatchString(piece) && text != "" && strings.ContainsRune(clauseEnds, lastRune(piece)) {
			next := strings.IndexAny(text, ends)
			if next < 0 {
				next = len(text)
			}
			piece, text = piece+text[:next], text[next:]
		}
		if said(piece) != "" {
			all = append(all, strings.TrimRight(piece, clauseEnds))
		}
	}
	return all[max(0, len(all)-maxPieces):]
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
