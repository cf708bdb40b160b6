package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aeobot/bot/storetest"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

// editedNotes are the shipped notes with edits in them, as a file.
func editedNotes(t testing.TB, edits ...curate.Edit) string {
	t.Helper()
	data, err := articles.FS.ReadFile("aeo-incentives.notes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edits {
		if data, err = e.Apply(data); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "aeo-incentives.notes.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// unheardOf is a question that nothing in the shipped knowledge answers, until somebody
// says what it asks for.
const unheardOf = "蓝鲸通道怎么走"

var unheardOfAsked = curate.Edit{Section: "优先通关实现方式", Number: 1, Ask: unheardOf}

func TestPublishAndRollBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(status int, want string, args ...string) {
		t.Helper()
		got := execute(t, dir, "", nil, args...)
		if got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Fatalf("aeobot %q: status %d, want %d and %q:\n%s%s", args, got.status, status, want, got.stdout, got.stderr)
		}
	}
	run(0, "还没有发布过", "knowledge", "versions")
	run(1, "没有找到", "ask", unheardOf)
	notes := editedNotes(t, unheardOfAsked)
	run(2, "--reason", "knowledge", "publish", notes)
	run(0, "+ 问法："+unheardOf, "knowledge", "publish", "--dry-run", notes)
	run(1, "没有找到", "ask", unheardOf)
	run(0, "已发布版本 1", "knowledge", "publish", "--author", "林悦", "--approver", "王强", "--reason", "客户这么问", notes)
	run(0, "1、设立AEO企业专用窗口", "ask", unheardOf)
	run(1, "没有差别", "knowledge", "publish", "--author", "林悦", "--reason", "再来一次", notes)
	run(0, "- 问法："+unheardOf, "knowledge", "diff", "1", "0")
	run(0, "作为版本 2 发布", "knowledge", "rollback", "--author", "王强", "--approver", "林悦", "--reason", "撤回", "0")
	run(1, "没有找到", "ask", unheardOf)
	run(0, "客户这么问", "knowledge", "versions")
	run(0, "2 个版本、4 个文件", "knowledge", "versions")
	run(2, "in force already", "knowledge", "rollback", "--reason", "x", "2")
	run(2, "no such version", "knowledge", "rollback", "--reason", "x", "9")
	run(2, "is no version", "knowledge", "diff", "x")
	run(2, "there is no such file", "knowledge", "publish", "--reason", "x", "--remove", "别的.txt", notes)
	run(0, "0 处不符", "verify")
}

// TestImportedFilesArePublished: import, look, publish: a second article is answered from.
func TestImportedFilesArePublished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "新办法.txt")
	if err := os.WriteFile(file, []byte("新办法\n2026-11-01\n\n一、蓝鲸安排\n1、蓝鲸通道二十四小时开放\n2、蓝鲸窗口免排队\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{
		{"knowledge", "import", file}, {"knowledge", "diff"}, {"knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "新文件"}, {"ask", "蓝鲸通道二十四小时开放吗"},
	} {
		if got := execute(t, dir, "", nil, step...); got.status != 0 || step[0] != "ask" && !strings.Contains(got.stdout, "蓝鲸安排") {
			t.Fatalf("aeobot %q: status %d\n%s%s", step, got.status, got.stdout, got.stderr)
		}
	}
	if got := execute(t, dir, "", nil, "ask", "能免除担保吗"); got.status != 0 {
		t.Errorf("the article of before is gone: %s", got.stdout)
	}
}

// TestNothingOldComesBack: what is in force is the base of every change. Files that were
// imported for an earlier version do not come back unless they are named.
func TestNothingOldComesBack(t *testing.T) {
	t.Parallel()
	dir, sources := t.TempDir(), t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(sources, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	run := func(status int, want, not string, args ...string) {
		t.Helper()
		got := execute(t, dir, "", []string{"AEOBOT_CURATION_PEOPLE=1"}, args...)
		if all := got.stdout + got.stderr; got.status != status || !strings.Contains(all, want) || not != "" && strings.Contains(all, not) {
			t.Fatalf("aeobot %q: status %d, want %d, %q and not %q:\n%s", args, got.status, status, want, not, all)
		}
	}
	publish := func(args ...string) []string {
		return append([]string{"knowledge", "publish", "--author", "a", "--reason", "r"}, args...)
	}
	const asks = "蓝鲸通道关门"
	whales := func(hour string) string {
		return write("蓝鲸.txt", "蓝鲸办法\n2026-11-01\n\n一、蓝鲸安排\n1、蓝鲸通道"+hour+"点关门\n2、蓝鲸窗口免排队\n")
	}
	run(0, "蓝鲸", "", "knowledge", "import", whales("八"))
	run(0, "海豚", "", "knowledge", "import", write("海豚.txt", "海豚办法\n2026-11-01\n\n一、海豚安排\n1、海豚通道按预约开放\n"))
	run(0, "已发布版本 1", "", publish()...)
	run(0, "已发布版本 2", "", publish(whales("九"))...)
	run(0, "九点关门", "", "ask", asks)
	run(0, "没有差别", "八点", "knowledge", "diff")
	run(1, "旧版", "八点", publish()...)
	run(0, "已发布版本 3", "八点", publish("--remove", "海豚.txt")...)
	run(0, "九点关门", "八点", "ask", asks)
	run(1, "没有差别", "海豚通道", publish()...)
	run(0, "鲸鲨", "", "knowledge", "import", write("鲸鲨.txt", "鲸鲨办法\n2026-11-01\n\n一、鲸鲨安排\n1、鲸鲨通道按预约开放\n"))
	run(0, "已发布版本 4", "八点", publish()...)
	run(0, "九点关门", "八点", "ask", asks)
	run(0, "已发布版本 5", "", publish(filepath.Join("data", "knowledge", "海豚.txt"))...) // named
	run(0, "海豚通道按预约开放", "", "ask", "海豚通道怎么开放")
}

// TestPublishShowsWhatIsDoubtful: notes of another document, and what stands after a second
// ---, are named with file and line before anything is published, and by lint.
func TestPublishShowsWhatIsDoubtful(t *testing.T) {
	t.Parallel()
	dir, folder := t.TempDir(), t.TempDir()
	for name, data := range map[string]string{
		"蓝鲸.txt": string(whale("第一版")), "蓝鲸.notes.yaml": "# 说明\ndocument: 海豚.txt\n",
		"海豚.txt": "海豚办法\n2026-11-01\n\n一、海豚安排\n1、海豚通道按预约开放\n", "海豚.notes.yaml": "document: 海豚\n---\nsections: []\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"knowledge", "lint", folder}, {"knowledge", "publish", "--dry-run", "--author", "a", "--reason", "r", folder}} {
		got := execute(t, dir, "", nil, args...)
		for _, want := range []string{"蓝鲸.notes.yaml:2: 这份备注写明是“海豚.txt”的", "海豚.notes.yaml:3: “---”"} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%q: no %q in\n%s%s", args, want, got.stdout, got.stderr)
			}
		}
	}
}

// TestANewEditionSaysWhichNotesItCarriesOn: measures were put in between, so that notes stand
// under the numbers of others now.
func TestANewEditionSaysWhichNotesItCarriesOn(t *testing.T) {
	t.Parallel()
	dir, folder := t.TempDir(), t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	publish := func(args ...string) string {
		t.Helper()
		got := execute(t, dir, "", []string{"AEOBOT_CURATION_PEOPLE=1"}, append([]string{"knowledge", "publish", "--author", "a", "--reason", "r"}, args...)...)
		if got.status != 0 {
			t.Fatalf("%s%s", got.stdout, got.stderr)
		}
		return got.stdout
	}
	const head = "蓝鲸办法\n2026-11-01\n\n一、蓝鲸安排\n"
	publish(write("蓝鲸.txt", head+"1、蓝鲸通道免排队\n2、蓝鲸窗口另设\n"), write("蓝鲸.notes.yaml", "document: 蓝鲸\nsections:\n  - heading: 蓝鲸安排\n    measures:\n      - number: 1\n        ask: [蓝鲸通道要排队吗]\n"))
	out := publish("--dry-run", write("蓝鲸.txt", head+"1、蓝鲸码头只收整箱\n2、蓝鲸通道免排队\n3、蓝鲸窗口另设\n"))
	for _, want := range []string{"请留意", "蓝鲸安排第1条的原文改了，备注", "旧：蓝鲸通道免排队　新：蓝鲸码头只收整箱"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "蓝鲸安排第2条的原文改了") {
		t.Errorf("the second has no notes:\n%s", out)
	}
}

// Edits that each take one judged question away from its measure.
var (
	worseEdits = []curate.Edit{
		{Section: "海关直接激励措施", Number: 8, Unlike: &curate.Unlike{Term: "海关都会", Why: "试"}},
		{Section: "跨部门联合激励措施", Number: 1, Unlike: &curate.Unlike{Term: "进口小麦", Why: "试"}},
		{Section: "跨部门联合激励措施", Number: 3, Unlike: &curate.Unlike{Term: "想扩产没", Why: "试"}},
	}
	worseQuestions = []string{"v017", "v023", "v045"}
)

var worseID = regexp.MustCompile(`(?m)^  ([a-z]+\d\S*) `)

// TestWhatGotWorseBlocksAndIsNamed: a change that takes three known questions away from
// their measure is not published, and exactly those are named; a second person may
// override with a reason, which stays on record.
func TestWhatGotWorseBlocksAndIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notes := editedNotes(t, worseEdits...)
	got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "林悦", "--reason", "试", notes)
	var named []string
	for _, m := range worseID.FindAllStringSubmatch(got.stdout, -1) {
		named = append(named, m[1])
	}
	if got.status != 1 || !slices.Equal(named, worseQuestions) {
		t.Errorf("status %d, named %q, want %q:\n%s", got.status, named, worseQuestions, got.stdout)
	}
	if got := execute(t, dir, "", nil, "knowledge", "versions"); !strings.Contains(got.stdout, "还没有发布过") {
		t.Errorf("it was published all the same:\n%s", got.stdout)
	}
	for _, approver := range [][]string{nil, {"--approver", "林悦"}} {
		args := append([]string{"knowledge", "publish", "--author", "林悦", "--reason", "试", "--override", "知道"}, approver...)
		if got := execute(t, dir, "", nil, append(args, notes)...); got.status != exitUsage || !strings.Contains(got.stderr, "second person") {
			t.Errorf("one person alone overrode: status %d %s", got.status, got.stderr)
		}
	}
	if got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "林悦", "--approver", "王强", "--reason", "试", "--override", "这三问另有文章", notes); got.status != 0 {
		t.Errorf("override: status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	if got := execute(t, dir, "", nil, "knowledge", "versions"); !strings.Contains(got.stdout, "林悦、王强") || !strings.Contains(got.stdout, "这三问另有文章") {
		t.Errorf("the override is not on record:\n%s", got.stdout)
	}
}

// TestReplicasFollow: published by one, all answer from it within seconds, and after a
// rollback none does; one that was away, or whose Redis lost everything, catches up.
func TestReplicasFollow(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	url := "AEOBOT_REDIS_URL=" + plainURL(redis)
	one, two := t.TempDir(), t.TempDir()
	a, b := startServe(t, one, url), startServe(t, two, url)
	c := newClient(t)
	n := 0
	says := func(r *running, want string) {
		t.Helper()
		r.await("answering "+want, func() bool {
			n++
			return strings.Contains(c.ask(r.base, fmt.Sprint("m", n), "g", fmt.Sprint("u", n), unheardOf), want)
		})
	}
	says(a, "没有找到")
	publish := func(dir string, args ...string) {
		t.Helper()
		if got := execute(t, dir, "", []string{url}, append([]string{"knowledge"}, args...)...); got.status != 0 {
			t.Fatalf("%q: %s%s", args, got.stdout, got.stderr)
		}
	}
	publish(one, "publish", "--author", "a", "--approver", "b", "--reason", "r", editedNotes(t, unheardOfAsked))
	says(a, "设立AEO企业专用窗口")
	says(b, "设立AEO企业专用窗口")
	b.stop()
	publish(one, "rollback", "--author", "a", "--approver", "b", "--reason", "r", "0")
	says(a, "没有找到")
	redis.Do("flushall") // what one replica has, the others get from it
	b = startServe(t, two, url)
	says(b, "没有找到")
	a.await("announcing again", func() bool { return strings.TrimSpace(redis.Do("get", "aeobot:{published}:latest")) == "2" })
	for _, dir := range []string{one, two} {
		if got := execute(t, dir, "", []string{url}, "knowledge", "versions"); !strings.Contains(got.stdout, "2 个版本、4 个文件") {
			t.Errorf("%s%s", got.stdout, got.stderr)
		}
	}
	redis.Kill()
	if got := execute(t, one, "", []string{url}, "knowledge", "rollback", "--author", "a", "--approver", "b", "--reason", "r", "1"); got.status == 0 || !strings.Contains(got.stderr, "nothing was published") {
		t.Errorf("published although the others cannot be told: %s%s", got.stdout, got.stderr)
	}
}

// TestRunningServeFollowsTheFolder: one replica with the embedded store.
func TestRunningServeFollowsTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, c := startServe(t, dir), newClient(t)
	if got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "r", editedNotes(t, unheardOfAsked)); got.status != 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
	n := 0
	r.await("answering from it", func() bool {
		n++
		return strings.Contains(c.ask(r.base, fmt.Sprint("m", n), "g", "u", unheardOf), "设立AEO企业专用窗口")
	})
	r.stop()
}

// TestVerifyFindsEveryChange: what serve answered is proved, until one byte is another.
func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "r", editedNotes(t, unheardOfAsked)); got.status != 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
	r, c := startServe(t, dir), newClient(t)
	for i, q := range []string{"海关直接激励措施", "第3条", "银行给AEO企业什么支持", "明天会下雨吗"} {
		c.ask(r.base, fmt.Sprint("m", i), "g", "u", q)
	}
	c.ask(r.base, "m0", "g", "u", "海关直接激励措施") // a redelivery is not another answer
	r.stop()
	verify := func(status int, want string) {
		t.Helper()
		if got := execute(t, dir, "", nil, "verify"); got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("verify: status %d, want %d and %q:\n%s%s", got.status, status, want, got.stdout, got.stderr)
		}
	}
	verify(0, "核对了 3 个回答、1 个版本，共")
	flip := func(pattern string, at func(data []byte) int, status int, want string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "data", pattern))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: %q, %v", pattern, files, err)
		}
		whole, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		broken := slices.Clone(whole)
		broken[at(broken)] ^= 1
		if err := os.WriteFile(files[0], broken, 0o600); err != nil {
			t.Fatal(err)
		}
		verify(status, want)
		if err := os.WriteFile(files[0], whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	middle := func(data []byte) int { return len(data) / 2 }
	flip("published/000001/aeo-incentives.txt", middle, exitUsage, "was changed")
	flip("answers/*.jsonl", func(data []byte) int { return strings.Index(string(data), `"text":"`) + 9 }, 1, "不是当时显示的文字")
	flip("answers/*.jsonl", func(data []byte) int { return strings.Index(string(data), `"sha256":"`) + 11 }, 1, "没有 sha256")
	flip("answers/*.jsonl", func([]byte) int { return 0 }, 1, "读不懂")
	verify(0, "0 处不符")
	data, err := os.ReadFile(must(filepath.Glob(filepath.Join(dir, "data", "answers", "*.jsonl")))[0])
	if err != nil || strings.Contains(string(data), "担保吗") || strings.Contains(string(data), "银行") {
		t.Errorf("what is kept of answers holds a question: %s, %v", data, err)
	}
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
