package eval

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"aeobot/index/analysis"
)

// Noise spoils a question the way keyboards and people do.
type Noise struct {
	Name string
	// apply spoils the characters; false: there is nothing in them to spoil this way.
	apply func(r *rand.Rand, text []rune, common map[string][]rune) ([]rune, bool)
}

// Noises are the classes of slips that are measured.
var Noises = []Noise{
	{"homophone", homophones(1)},
	{"two homophones", homophones(2)},
	{"swapped", swapped},
	{"missing", missing},
	{"traditional", asTraditional},
	{"full width", fullWidth},
	{"pinyin", inPinyin},
}

// Spoil gives the questions that the noise could be made in. The same question is
// always spoilt the same way. Characters put in come from the questions
// themselves, so that they are ones people use.
func (n Noise) Spoil(questions []Question) []Question {
	common := bySound(questions)
	var spoilt []Question
	for _, q := range questions {
		seed := fnv.New64a()
		fmt.Fprint(seed, n.Name, q.ID, q.Question)
		text, ok := n.apply(rand.New(rand.NewPCG(seed.Sum64(), 1)), []rune(q.Question), common)
		if ok && string(text) != q.Question {
			q.Question = string(text)
			spoilt = append(spoilt, q)
		}
	}
	return spoilt
}

// bySound lists the characters of all questions by how they sound.
func bySound(questions []Question) map[string][]rune {
	seen := map[rune]bool{}
	for _, q := range questions {
		for _, r := range q.Question {
			seen[r] = true
		}
	}
	common := map[string][]rune{}
	for r := range seen {
		for _, s := range analysis.Sounds(r) {
			common[s] = append(common[s], r)
		}
	}
	for _, list := range common {
		slices.Sort(list)
	}
	return common
}

func han(text []rune) (places []int) {
	for i, r := range text {
		if unicode.Is(unicode.Han, r) {
			places = append(places, i)
		}
	}
	return places
}

// homophones puts n characters in the place of others that sound the same.
func homophones(n int) func(*rand.Rand, []rune, map[string][]rune) ([]rune, bool) {
	return func(r *rand.Rand, text []rune, common map[string][]rune) ([]rune, bool) {
		text = slices.Clone(text)
		places := han(text)
		r.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		done := 0
		for _, at := range places {
			sounds := analysis.Sounds(text[at])
			if len(sounds) == 0 {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(common[sounds[0]]), func(o rune) bool { return o == text[at] })
			if len(others) == 0 {
				continue
			}
			text[at] = others[r.IntN(len(others))]
			if done++; done == n {
				return text, true
			}
		}
		return nil, false
	}
}

// swapped lets two neighbouring characters change places.
func swapped(r *rand.Rand, text []rune, _ map[string][]rune) ([]rune, bool) {
	text = slices.Clone(text)
	var places []int
	for _, at := range han(text) {
		if at+1 < len(text) && unicode.Is(unicode.Han, text[at+1]) && text[at] != text[at+1] {
			places = append(places, at)
		}
	}
	if len(places) == 0 {
		return nil, false
	}
	at := places[r.IntN(len(places))]
	text[at], text[at+1] = text[at+1], text[at]
	return text, true
}

// missing leaves out one character of at least five.
func missing(r *rand.Rand, text []rune, _ map[string][]rune) ([]rune, bool) {
	places := han(text)
	if len(places) < 5 {
		return nil, false
	}
	at := places[r.IntN(len(places))]
	return slices.Delete(slices.Clone(text), at, at+1), true
}

// asTraditional writes the traditional characters.
func asTraditional(_ *rand.Rand, text []rune, _ map[string][]rune) ([]rune, bool) {
	return []rune(strings.Map(analysis.Traditional, string(text))), true
}

// fullWidth writes Latin letters, digits and marks the wide way.
func fullWidth(_ *rand.Rand, text []rune, _ map[string][]rune) ([]rune, bool) {
	wide := []rune(strings.Map(func(r rune) rune {
		if '!' <= r && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, string(text)))
	return wide, true
}

// inPinyin writes two neighbouring characters as they sound, as people do who
// forget to pick the characters.
func inPinyin(r *rand.Rand, text []rune, _ map[string][]rune) ([]rune, bool) {
	var places []int
	for i := 0; i+1 < len(text); i++ {
		if len(analysis.Sounds(text[i])) > 0 && len(analysis.Sounds(text[i+1])) > 0 {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return nil, false
	}
	at := places[r.IntN(len(places))]
	sound := analysis.Sounds(text[at])[0] + analysis.Sounds(text[at+1])[0]
	return slices.Concat(text[:at], []rune(sound), text[at+2:]), true
}

// Loss is what one class of slips costs.
type Loss struct {
	Noise     string  `json:"noise"`
	Questions int     `json:"questions"`
	Clean     float64 `json:"clean"` // hit@1 of the same questions as they were
	Spoilt    float64 `json:"spoilt"`
}

// Points is the loss in points of a hundred.
func (l Loss) Points() float64 { return (l.Clean - l.Spoilt) * 100 }

// Spoilt is how many questions Losses asks.
func Spoilt(questions []Question) int {
	n := 0
	for _, noise := range Noises {
		n += len(noise.Spoil(questions))
	}
	return n
}

// Losses asks every question once more with each noise.
func Losses(ctx context.Context, questions []Question, clean []Verdict, c Contents, answer Answerer) ([]Loss, error) {
	right := map[string]bool{}
	for _, v := range clean {
		right[v.ID] = v.Hit
	}
	var losses []Loss
	for _, n := range Noises {
		spoilt := n.Spoil(questions)
		verdicts, err := Judge(ctx, spoilt, c, answer)
		if err != nil {
			return nil, err
		}
		l := Loss{Noise: n.Name, Questions: len(spoilt)}
		for _, v := range verdicts {
			l.Clean += share(right[v.ID])
			l.Spoilt += share(v.Hit)
		}
		count := float64(max(len(spoilt), 1))
		l.Clean, l.Spoilt = round(l.Clean/count), round(l.Spoilt/count)
		losses = append(losses, l)
	}
	return losses, nil
}
