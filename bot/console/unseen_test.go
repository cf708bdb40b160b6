package console_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"aeobot/bot/desk"
)

var following = regexp.MustCompile(`<a href="([^"]*)" rel="next"`)

// leaf reads all pages of a list, from the one at path.
func (v *visitor) leaf(path string) (pages []string) {
	v.o.t.Helper()
	for path != "" {
		status, page := v.get(path)
		v.o.demand(status, page, 200)
		pages = append(pages, page)
		if path = ""; following.MatchString(page) {
			path = strings.ReplaceAll(following.FindStringSubmatch(page)[1], "&amp;", "&")
		}
	}
	return pages
}

// changed is the part of a page that says what changes.
func changed(t *testing.T, page string) string {
	t.Helper()
	i := max(strings.Index(page, "改什么（"), strings.Index(page, "和现行的差别</h2>"))
	if i < 0 {
		t.Fatalf("the page does not say what changes:\n%s", visible(page))
	}
	return page[i:]
}

// TestEveryChangeIsShown: whoever sends and whoever confirms can look at each of many changes,
// in the order of the source and first what is there already; what is confirmed is what was
// shown, all pages of it.
func TestEveryChangeIsShown(t *testing.T) {
	o := newOffice(t, nil)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	const many, was, evil = 450, "在行政服务中心试点设立AEO服务专窗", "可以不缴关税"
	state, err := o.desk.InForce()
	if err != nil {
		t.Fatal(err)
	}
	source := string(state.Files["aeo-incentives.txt"])
	i := strings.Index(source, "跨部门联合激励措施")
	if i < 0 || !strings.Contains(source, was) {
		t.Fatal("the article is another")
	}
	i = strings.LastIndexByte(source[:i], '\n') + 1
	var section strings.Builder
	section.WriteString("        附录\n")
	for n := 1; n <= many; n++ {
		fmt.Fprintf(&section, "        %d.附录的第%d号说明\n", n, n)
	}
	source = strings.Replace(source[:i]+section.String()+source[i:], was, evil, 1)

	status, page := lin.upload("aeo-incentives.txt", []byte(source))
	o.demand(status, page, 200)
	draft := "/console/import/" + field(page, "once")
	look := func(who string, pages []string) {
		t.Helper()
		if len(pages) < 3 {
			t.Fatalf("%s: %d pages", who, len(pages))
		}
		if first := changed(t, pages[0]); !strings.Contains(first, evil) || strings.Index(first, evil) > strings.Index(first, "附录的第1号说明") {
			t.Errorf("%s: the words that were there are not changed first", who)
		}
		all, at := "", -1
		for _, page := range pages {
			all += changed(t, page)
		}
		for n := 1; n <= many; n++ {
			next := strings.Index(all, fmt.Sprintf("附录的第%d号说明", n))
			if next <= at {
				t.Fatalf("%s: number %d is at %d, the one before at %d", who, n, next, at)
			}
			at = next
		}
	}
	look("the preview", lin.leaf(draft))
	status, page = lin.post(draft, "reason", "来函", "once", "x")
	o.demand(status, page, 200, "提议 ")
	here := proposalOf(t, page)
	wang.until(here, "评测通过")
	pages := wang.leaf(here)
	look("who confirms", pages)
	for n, page := range pages {
		if !strings.Contains(page, fmt.Sprintf("%d 页，每一页都看过了", len(pages))) {
			t.Errorf("page %d does not ask whether all %d were read", n+1, len(pages))
		}
	}
	shown := field(pages[0], "shown")
	for what, fields := range map[string][]string{"not all was read": {"shown", shown}, "nothing was shown": {"read", "1"}, "something else was shown": {"shown", "0011223344556677", "read", "1"}} {
		status, page := wang.post(here, append(fields, "do", "approve")...)
		if status != 409 || !strings.Contains(page, "没有发布") || !strings.Contains(page, evil) || len(o.states.all) != 1 {
			t.Errorf("%s: %d\n%s", what, status, visible(page))
		}
	}
	status, page = wang.post(here, "do", "approve", "shown", shown, "read", "1")
	o.demand(status, page, 200, "已作为")
}

// TestChangesThatAreNotKept are found out again.
func TestChangesThatAreNotKept(t *testing.T) {
	o := newOffice(t, nil)
	state, err := o.desk.InForce()
	if err != nil {
		t.Fatal(err)
	}
	passage, _ := state.Library.Passage("aeo-incentives/海关直接激励措施/5")
	p, err := o.desk.Propose(t.Context(), "", desk.Ask(passage, "押金能不交吗", "lin.yue"))
	if err != nil {
		t.Fatal(err)
	}
	o.enter("wang.qiang").until("/console/proposals/"+p.ID, "评测通过")
	item, err := o.store.Get(t.Context(), "proposal-changes", p.ID)
	if err != nil || item.Version == 0 {
		t.Fatalf("%+v, %v", item, err)
	}
	if err := o.store.Put(t.Context(), "proposal-changes", p.ID, nil, item.Version, 0); err != nil {
		t.Fatal(err)
	}
	status, page := o.enter("wang.qiang").get("/console/proposals/" + p.ID)
	o.demand(status, page, 200, "押金能不交吗</span>")
}
