package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"aeobot/index"
	"aeobot/knowledge"
)

// Asked is one question of a message with what the knowledge says to it.
type Asked struct {
	Question string
	Decision index.Decision
	// Skipped reports that it was not looked up: the message has too many questions.
	Skipped bool
}

// Answered tells that the knowledge has something on it.
func (a Asked) Answered() bool { return answered(a.Decision) }

// Searcher decides what a question gets.
type Searcher interface {
	Search(ctx context.Context, text string) (index.Decision, error)
}

// Limits of parting a message, in units of index.Hit.Score.
const (
	// maxParts bounds the questions of one message that are looked up; those beyond are
	// named.
	maxParts = 12
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
// one question the piece that asks counts; anything else is one question. However it
// was parted, no piece that asks is missing.
func Read(ctx context.Context, searcher Searcher, text string) ([]Asked, error) {
	s := &memo{searcher, map[string]index.Decision{}}
	asked, err := read(ctx, s, text)
	if err != nil {
		return nil, err
	}
	return complete(ctx, s, text, asked)
}

// complete adds the pieces that ask and stand in no part: sentences, and clauses of a
// message that has several questions anyway. Parts that are written anew, see listed, take
// the whole of the message.
func complete(ctx context.Context, s Searcher, text string, asked []Asked) ([]Asked, error) {
	if slices.ContainsFunc(asked, func(a Asked) bool { return !strings.Contains(text, a.Question) }) {
		return asked, nil
	}
	ends := sentenceEnds
	if len(asked) > 1 {
		ends += clauseEnds
	}
	parts := len(asked)
	pieces := cutAt(text, ends)
	for i, p := range pieces {
		if i+1 < len(pieces) && announcing.MatchString(pieces[i+1]) {
			continue
		}
		within := func(a Asked) bool {
			return strings.Contains(said(a.Question), said(p)) || strings.Contains(said(p), said(a.Question))
		}
		adds := len(asked) > 1 && withoutOpening(p) != p // 还有预约查验
		if !asks(p) && !adds || slices.ContainsFunc(asked, within) {
			continue
		}
		if len(asked) >= maxParts {
			asked = append(asked, Asked{Question: p, Skipped: true})
			continue
		}
		more, err := decide(ctx, s, p)
		if err != nil {
			return nil, err
		}
		if !idle(more) && (asks(p) || standsAlone(more.Decision)) {
			asked = append(asked, more)
		}
	}
	if len(asked) == parts {
		return asked, nil
	}
	slices.SortStableFunc(asked, func(x, y Asked) int {
		return strings.Index(text, x.Question) - strings.Index(text, y.Question)
	})
	return asked, nil
}

func read(ctx context.Context, s Searcher, text string) ([]Asked, error) {
	whole, err := s.Search(ctx, text)
	if err != nil {
		return nil, err
	}
	if asked, err := keywords(ctx, s, text, whole); err != nil || asked != nil {
		return asked, err
	}
	otherwise := []Asked{{Question: text, Decision: whole}}
	for _, cut := range []func(string) []string{enumerated, questioned, joined, listed, spaced} {
		asked, err := readParts(ctx, s, cut(text))
		switch {
		case err != nil:
			return nil, err
		case len(asked) < 2:
		case slices.ContainsFunc(asked, Asked.Answered):
			return asked, nil
		case len(otherwise) == 1 && !answered(whole) && !slices.ContainsFunc(asked, func(a Asked) bool { return !asks(a.Question) }):
			otherwise = asked // several questions, all without an answer
		}
	}
	clauses, err := ask(ctx, s, pieces(text, sentenceEnds+clauseEnds))
	if err != nil || len(clauses) < 2 {
		return otherwise, err
	}
	if several := several(clauses, whole); several != nil {
		return several, nil
	}
	sentences, err := ask(ctx, s, pieces(text, sentenceEnds))
	if err != nil {
		return nil, err
	}
	least := clearer
	if whole.Query.Substance() <= shortMessage {
		least = clearerShort
	}
	if best := clearest(slices.Concat(sentences, clauses)); strength(best.Decision) >= least*strength(whole) && strength(best.Decision) > 0 {
		return []Asked{best}, nil
	}
	return otherwise, nil
}

// readParts decides each part of a message, the questions of a part that has several
// (担保能免吗，稽查会少吗) on their own. Parts that ask for nothing, or the same once more,
// are left out.
func readParts(ctx context.Context, s Searcher, parts []string) ([]Asked, error) {
	if len(parts) < 2 {
		return nil, nil
	}
	var all []Asked
	seen := map[string]bool{}
	for _, part := range parts {
		if seen[said(part)] {
			continue
		}
		seen[said(part)] = true
		if len(all) >= maxParts {
			all = append(all, Asked{Question: part, Skipped: true})
			continue
		}
		asked, err := ask(ctx, s, []string{part})
		if err != nil {
			return nil, err
		}
		clauses, err := ask(ctx, s, pieces(part, clauseEnds))
		if err != nil {
			return nil, err
		}
		if several := several(clauses, asked[0].Decision); several != nil {
			asked = several
		}
		all = append(all, slices.DeleteFunc(asked, idle)...)
	}
	return all, nil
}

// memo searches each text of a message once, however often it is looked at.
type memo struct {
	Searcher
	known map[string]index.Decision
}

func (m *memo) Search(ctx context.Context, text string) (index.Decision, error) {
	if d, ok := m.known[text]; ok {
		return d, nil
	}
	d, err := m.Searcher.Search(ctx, text)
	if err == nil {
		m.known[text] = d
	}
	return d, err
}

// idle tells that a piece asks for nothing by itself: 在吗, 真的吗, 有人知道吗.
func idle(a Asked) bool {
	if answered(a.Decision) {
		return false
	}
	switch ReadIntent(a.Question).Kind {
	case IntentGreet, IntentThanks, IntentYes, IntentEmpty, IntentIdle, IntentRude, IntentMarkup:
		return true
	}
	if rhetorical.MatchString(said(a.Question)) {
		return true
	}
	known := a.Decision.Elsewhere && !a.Decision.Outside.General
	return !known && a.Decision.Query.Substance() < substance && !a.Decision.Query.AsksFor()
}

// rhetorical sentences ask for nothing but assent.
var rhetorical = regexp.MustCompile(`^(?:这|那|这样|我|你|你们|大家|有人|谁)?(?:说|理解|记|讲|知道|清楚|了解|能|可以)?(?:得|的)?(?:对|是|真|真的|没错|有|好|行|可以|知道|告诉我|清楚|确定|解答)(?:一下)?(?:吗|吧|么|不对|不是|假的|不|么)?$`)

// questioned are the sentences that end in a question mark or read like a question
// without one. A sentence that says what will be asked is none of them.
func questioned(text string) []string {
	return slices.DeleteFunc(cutAt(text, sentenceEnds), func(p string) bool {
		return !strings.HasSuffix(p, "?") && !strings.HasSuffix(p, "？") && (!asks(p) || announcing.MatchString(p))
	})
}

// announcing sentences tell that what stands before them was not the question.
var announcing = regexp.MustCompile(`^(?:我|我们)?(?:(?:就|只|主要|其实)想?(?:请)?(?:问|咨询|请教|知道)|想(?:问|说|知道)的是|(?:的)?意思是)`)

// listed are the things that a message counts up and asks the same of: 查验、担保、稽查
// 这三样能不能少. What is asked stands behind each.
func listed(text string) []string {
	m := list.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	things := listMarks.Split(m[1], -1)
	if n := readNumber(m[2]); n > 0 && n != len(things) {
		return nil
	}
	for i := range things {
		things[i] = strings.TrimSpace(things[i]) + m[3]
	}
	return things
}

// maxKeyword is how many characters a keyword of a list has at most, and fewSpaced how
// many keywords between blanks are mostly words of one question.
const maxKeyword, fewSpaced = 6, 2

// keywords decides each entry of a list of keywords that lead to different things: 查验、
// 稽查、担保. Blanks may part the words of one question (稽查 频次); between them all must
// be known.
func keywords(ctx context.Context, s Searcher, text string, whole index.Decision) ([]Asked, error) {
	entries := cutAt(text, sentenceEnds+"，,、/／|｜ \u3000\t")
	spaced := !strings.ContainsAny(strings.TrimRight(text, sentenceEnds), "，,、/／|｜；;。\n")
	words := entries
	if strings.Contains(text, "、") && !strings.ContainsAny(text, "，,；;。") && listed(text) == nil && len(entries) > 2 {
		words = entries[:len(entries)-1] // 查验、稽查、担保有什么优惠: what is asked stands behind the last
	}
	if spaced && len(entries) < fewSpaced || len(entries) > maxParts ||
		slices.ContainsFunc(words, func(e string) bool { return asks(e) || utf8.RuneCountInString(e) > maxKeyword }) {
		return nil, nil
	}
	asked, err := ask(ctx, s, entries)
	if err != nil {
		return nil, err
	}
	tops := map[string]bool{}
	for _, a := range asked {
		switch {
		case answered(a.Decision):
			tops[top(a.Decision)] = true
		case spaced && (!a.Decision.Elsewhere || a.Decision.Outside.General):
			return nil, nil
		}
	}
	if len(tops) < 2 || spaced && len(entries) == fewSpaced && !apart(asked, whole) {
		return nil, nil
	}
	return asked, nil
}

// aloneKeyword is the score from which on one of two keywords asks for something by itself.
const aloneKeyword = 1.0

// apart reports whether two keywords ask for two things (免担保 查验): each for one of its own,
// and what suits both words best has only one of them.
func apart(asked []Asked, whole index.Decision) bool {
	if slices.ContainsFunc(asked, func(a Asked) bool { return strength(a.Decision) < aloneKeyword }) {
		return false
	}
	return len(whole.Ranked) > 0 && slices.ContainsFunc(asked, func(a Asked) bool {
		return scoreOf(a.Decision, whole.Ranked[0].Passage.ID) < a.Decision.Bar
	})
}

// spaced are the pieces between blanks, when each of them reads like a question.
func spaced(text string) []string {
	parts := blanks.Split(strings.TrimSpace(text), -1)
	if slices.ContainsFunc(parts, func(p string) bool { return !asks(p) }) {
		return nil
	}
	return parts
}

var blanks = regexp.MustCompile(`[\s\x{3000}]+(?:[/／|｜]+[\s\x{3000}]*)?`)

var (
	list      = regexp.MustCompile(`^(.+?)(?:这|那|等)([二两三四五六七八九十几2-9])(?:样|项|个|件|种|块|条|点|方面|件事)[,，、:：]?(.*)$`)
	listMarks = regexp.MustCompile(`、|，|,|和|跟|与|以及|还有`)
)

// joiner opens a further question, after a pause: 还有, 同时; or, where the words can say
// nothing else, anywhere, since what is spoken has no marks: 另外, 再问下, 仲有.
var joiner = regexp.MustCompile(`(?:^|[,，。;；?？!！\s吗呢])(?P<joiner>(?:此外|还有|顺便|同时|以及|并且|然后|最后)` + askingOn + `)|` +
	`(?P<anywhere>(?:另外|[顺順]便(?:再)?[问問]|(?:再|[还還]想|最后)(?:再)?(?:[请請])?(?:[问問](?:一?[下个句问]|[问問])?|咨询|请教|知道|了解)|同埋|仲有|[对對]了|(?:然后|[还還]有|再)就是)` + askingOn + `)`)

// askingOn is what may follow a joiner before the question.
const askingOn = `(?:呢|就是|再)?(?:想)?(?:[请請])?(?:[问問])?(?:一?下)?[,，:：\s]*`

// opening is a joiner at the start of a part: it belongs to its words and says
// nothing of what it asks.
var opening = regexp.MustCompile(`^(?:另外|此外|顺便|(?:再|还想|最后)(?:请)?[问问](?:[下问])?|还想知道|以及|同埋|仲有|对了|(?:然后|还有|再)就是)` + askingOn)

// joined are the parts of a message that says it asks for one thing more, when
// each of them reads like a question.
func joined(text string) []string {
	var parts []string
	from := 0
	for _, m := range joiner.FindAllStringSubmatchIndex(text, -1) {
		start, end := m[2], m[3]
		if start < 0 {
			start, end = m[4], m[5]
		}
		if strings.ContainsAny(firstRunes(text[end:], 1), "其什哪别没更啥") {
			continue // 还有其他, 还有什么 part nothing
		}
		parts = append(parts, text[from:start])
		from = start
	}
	parts = append(parts, text[from:])
	parts = slices.DeleteFunc(parts, func(p string) bool { return said(p) == "" })
	if slices.ContainsFunc(parts, func(p string) bool { return !asks(p) }) {
		return nil
	}
	for i, p := range parts {
		parts[i] = strings.Trim(p, clauseEnds+"；; \n")
	}
	return parts
}

// marker begins an entry of a numbered list: 1. (2) ③ 四、 其五 问题6： 第二个就是; or
// one that is only counted up: 一个是, 再一个.
var marker = regexp.MustCompile(`[(（]?([0-9]{1,2}|[一二三四五六七八九十])[)）.、．:：]|([一二三四五六七八九十])(?:呢|嘛)?(?:就?是|来|想问)|([①-⑳])|` +
	`(?:问题|其|第)([0-9]|[一二三四五六七八九十])(?:个(?:问题|事情?)?|点|件事?|样)?(?:呢|嘛|啊|的话)?(?:[:：、,，]|就?是|想问|我?问)(?:就?是)?|` +
	`((?:首先|其次|最后|(?:再|另|还有|最后)?一个(?:问题)?(?:呢|嘛)?(?:就?是)|(?:再|另|还有|最后)一个)(?:就?是)?)`)

// enumerated are the entries of a numbered list of questions, numbered from 1 on.
// What stands before the first is not among them.
func enumerated(text string) []string {
	var entries []string
	from := -1
	for _, m := range marker.FindAllStringSubmatchIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:m[0]])
		after, _ := utf8.DecodeRuneInString(text[m[1]:])
		if unicode.IsDigit(before) || unicode.IsDigit(after) && m[6] < 0 {
			continue
		}
		digits := ""
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				digits = norm.NFKC.String(text[m[g]:m[g+1]])
			}
		}
		if n := readNumber(digits); m[10] >= 0 {
			if first := strings.HasPrefix(digits, "一个") || digits == "首先"; !first && len(entries) == 0 {
				continue
			}
		} else if n != len(entries)+1 {
			continue
		}
		if from >= 0 {
			entries = append(entries[:len(entries)-1], text[from:m[0]])
		}
		entries, from = append(entries, ""), m[1]
	}
	if len(entries) < 2 {
		return nil
	}
	entries[len(entries)-1] = text[from:]
	for i, e := range entries {
		entries[i] = strings.Trim(e, " \t\r\n；;，,")
	}
	return slices.DeleteFunc(entries, func(e string) bool { return said(e) == "" })
}

// linking words join a question to what was said before it, and say nothing where it is
// quoted by itself: 另外，担保能不能免.
var linking = regexp.MustCompile(`^[\s,，、;；]*(?:(?:另外|此外|还有|以及|顺便(?:[问問]一?下)?|[对對]了|再就是|同埋|仲有)(?:呢)?[\s,，、:：]*|(?:同时|然后|并且|最后)[\s,，、:：]+)+`)

// withoutOpening takes linking words off a question, unless they belong to what it asks:
// 还有其他, 另外的.
func withoutOpening(question string) string {
	rest := linking.ReplaceAllString(question, "")
	if said(rest) == "" || strings.ContainsAny(firstRunes(rest, 1), "其什哪别没更啥多几的一") {
		return question
	}
	return rest
}

func ask(ctx context.Context, s Searcher, pieces []string) ([]Asked, error) {
	asked := make([]Asked, len(pieces))
	for i, p := range pieces {
		var err error
		if asked[i], err = decide(ctx, s, p); err != nil {
			return nil, err
		}
	}
	return asked, nil
}

// decide looks a piece of a message up.
func decide(ctx context.Context, s Searcher, piece string) (Asked, error) {
	d, err := s.Search(ctx, opening.ReplaceAllString(piece, ""))
	if err != nil {
		return Asked{}, err
	}
	if d.Query.Substance() < substance {
		d = index.Decision{Kind: index.Refused, Query: d.Query, Outside: d.Outside, Elsewhere: d.Elsewhere}
	}
	return Asked{Question: piece, Decision: d}, nil
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
		case standsAlone(a.Decision), answered(a.Decision) && elliptic.MatchString(a.Question):
			parts = append(parts, a)
			tops[top(a.Decision)] = true
		case !answered(a.Decision) && asks(a.Question) && !idle(a):
			parts = append(parts, a) // an unanswered part is named
			if a.Decision.Elsewhere && !a.Decision.Outside.General && a.Decision.Query.AsksFor() {
				tops[""] = true // and makes a second question, when it is known for what it is
			}
		}
	}
	if len(tops) < 2 || whole.Kind == index.Sections && len(whole.Sections) > 1 {
		return nil
	}
	for _, a := range parts {
		if a.Decision.Kind == index.Measures && !elliptic.MatchString(a.Question) && strength(a.Decision) < certain && scoreOf(whole, a.Decision.Hits[0].Passage.ID) < heard*bestScore(whole) {
			return nil
		}
	}
	return parts
}

// elliptic pieces ask the same of another thing: 原产地调查呢.
var elliptic = regexp.MustCompile(`^.{2,36}呢[?？]*$`)

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
var questions = regexp.MustCompile(`[?？吗呢啥谁哪]|什么|怎么|如何|多少|有不有|能不能|是不是|会不会|给不给|行不行|好不好|有没有|能否|可否|是否|` +
	`可不可以|有无|点样|边度|几多|系咪|多[久长大高远快]|何时|为何|(?:^|[^这那前后好过近十])几[天点年个次家号岁月条]|[不没么][。!！\s]*$`)

// asks tells whether a piece reads like a question by itself.
func asks(piece string) bool {
	piece = index.FoldCharacters(piece)
	if questions.MatchString(piece) {
		return true
	}
	r := []rune(piece)
	for i := 2; i < len(r); i++ {
		if r[i] == r[i-2] && strings.ContainsRune("不没唔", r[i-1]) { // 看不看, 优不优先, 使唔使
			return true
		}
	}
	return false
}

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

// pieces cuts a message where a piece may end. Of a very long story the pieces that read
// like questions count, and of the others the last, since people come to their question in
// the end.
func pieces(text, ends string) []string {
	all := cutAt(text, ends)
	spare := len(all) - maxPieces
	all = slices.DeleteFunc(all, func(p string) bool {
		drop := spare > 0 && !asks(p)
		if drop {
			spare--
		}
		return drop
	})
	return all[max(0, len(all)-maxPieces):]
}

// cutAt cuts a text where one of the ends stands, which stays with its piece. What holds
// no word is no piece.
func cutAt(text, ends string) []string {
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
			all = append(all, strings.TrimRight(piece, clauseEnds+"。；; \n"))
		}
	}
	return all
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
