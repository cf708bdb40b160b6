package intake_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"aeobot/knowledge/intake"
)

func page(head, body string) string {
	return "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">" + head + "</head><body>" + body + "</body></html>"
}

func TestWebPages(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("<html><body><h1>通关</h1><ol><li>优先</ol>")
	must(t, err)
	tests := []struct{ name, data string }{
		{"政府网站公告", page("<title>关于公布便利措施的公告_某某海关</title><style>p{color:red}</style>", `<nav><a href="/">首页</a></nav><div class="article"><h1>关于公布便利措施的公告</h1><p>发布时间：2026-03-02</p><p>&emsp;&emsp;现将有关事项公告如下：</p><p>一、适用较低的查验率；</p><p>二、可申请免除担保。</p><p>特此公告。</p></div><script>var a="<p>x</p>";</script><!-- <p>注释</p> -->`)},
		{"标题和列表", page("<title>手册</title>", `<h1>AEO 手册</h1><h2>通关</h2><ol><li>优先查验</li><li>优先放行：<ul><li>进口</li><li>出口</li></ul></li><li value="7">预约通关</li></ol><h2>担保</h2><ol start="3"><li>免除担保</li><li><p>减少担保</p><p>限一年</p></li></ol>`)},
		{"倒着数", page("", `<h2>进展</h2><ol reversed><li>丙</li><li>乙</li><li>甲</li></ol><h2>其他</h2><ol reversed start=9><li>九</li><li>八</li></ol>`)},
		{"列表套列表", page("", `<h2>部门</h2><ol><li>发改部门：<ol><li>绿色通道</li><li>容缺受理</li></ol></li><li>商务部门<ol type="a"><li>参展</li><li>论坛</li></ol></li><li>金融部门</li></ol>`)},
		{"表格", page("", `<h2>清单</h2><table><thead><tr><th>序号</th><th>措施</th><th>依据</th></tr></thead><tbody><tr><td>1</td><td>优先查验</td><td>第251号令</td></tr><tr><td>2<td>免除<b>担保</b><td>第282号令</tbody></table><p>以当地海关答复为准。</p>`)},
		{"用表格排版", "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=gb2312\"><title>老网站</title></head><body><table><tr><td><table><tr><td><h1>海关便利措施</h1></td></tr><tr><td><p>1、优先查验<br>2、免除担保<br>3、减少稽查</td></tr></table></td></tr></table></body></html>"},
		{"标题没有标出", page("<title></title>", `<p><font size="6">通关便利措施</font></p><p>发布日期：2026年3月1日</p><p>本文说明通关便利。</p><h1>一、查验</h1><ol><li><p>较低的查验率</p><li><p>优先查验</p></ol><h1>二、担保</h1><p>1、免除担保</p>`)},
		{"题下有副题", page("", `<h1>手册</h1><p>副标题在此</p><p>2026-03-01</p><h2>通关</h2><ol><li>优先查验</ol><h2>担保</h2><ol><li>免除担保</ol>`)},
		{"问答表带批注", page("<title>退税问答</title>", `<table><tr><td>问题</td><td>答案</td><td>分类</td></tr><tr><td>多久到账</td><td><a class="comment-indicator"></a><comment>请核对</comment><font>五个工作日内办结。</font></td><td>退税</td></tr><tr><td>怎么查进度</td><td>短信提醒</td><td>退税</td></tr></table>`)},
		{"没有收尾的标签", "<title>简单</title><h2>通关<h2>担保</h2><p>海关有规定<ol><li>免除<li>减少</ol><p>完"},
		{"隐藏的内容", page("", `<h2>担保</h2><p hidden>看不见</p><div style="display: none"><div>里面</div>也看不见</div><p>1、免除<span aria-hidden="true">图标</span>担保</p><ul><li hidden>藏<li>露</ul><input type="text" value="x"><select><option>选项</select><noscript>请开启脚本</noscript>`)},
		{"Word另存的网页", page(`<meta name=Generator content="Microsoft Word 15"><title>培训</title><!--[if gte mso 9]><xml><o:p>x</o:p></xml><![endif]-->`, `<div class=WordSection1><h1>培训材料<o:p></o:p></h1><p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]><span lang=EN-US><span style='mso-list:Ignore'>1.<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span></span><![endif]>优先查验</p><p class=MsoListParagraph><![if !supportLists]><span>2.<span>&nbsp;&nbsp;</span></span><![endif]>免除担保</p></div>`)},
		{"预排和换行", page("", "<h2>流程</h2><pre>1、提交申请\n2、现场认证\n   一般不超过90日\n3、发证</pre><p>咨询<br>12360</p>")},
		{"实体和特殊字符", page("", `<h2>&lt;通关&gt; &amp; 担保</h2><p>1、# 不是标题&nbsp;&copy;</p><p>2、a&#32;b&#x4E00;</p><p>3、软&shy;连字&#8203;符</p><p>- 横线开头</p>`)},
		{"无声明的UTF8", "<h2>担保</h2><p>1、免除担保</p>"},
		{"UTF16", utf16},
		{"定义列表和引用", page("", `<h2>术语</h2><dl><dt>AEO<dd>经认证的经营者。<dt>查验率<dd>抽中的比例。</dl><blockquote><p>企业是第一责任人。</p></blockquote><hr><address>某某海关</address>`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.data)
			if strings.Contains(tt.data, "gb2312") {
				data = gb18030(t, tt.data)
			}
			golden(t, "html-"+tt.name, outline(imported(t, tt.name+".html", data)))
		})
	}
	in := imported(t, "老.htm", gb18030(t, "<h2>担保</h2><p>1、免除担保</p>"))
	if !in.Converted || in.Document.Sections[0].Measures[0].Text != "免除担保" {
		t.Errorf("GB18030 that declares nothing: got %+v", in.Document.Sections)
	}
}

func TestTextAndMarkdown(t *testing.T) {
	tests := []struct{ file, data string }{
		{"公告.txt", "海关总署公告\n2026-03-02\n\n现公告如下：\n\n一、便利措施\n（一）优先查验；\n1.进口优先；\n2.出口优先。\n（二）免除担保。\n"},
		{"纪要.txt", "会议纪要\r\n2026年2月10日\r\n\r\n议定事项\r\n1、企管处牵头。\r\n2、技术处配合。\r\n"},
		{"条款.txt", "管理办法\n\n第一章 总则\n第一条 为了规范管理，制定本办法。\n第二条 适用于企业。\n第二章 附则\n第三条 由总署解释。\n"},
		{"全角.txt", "　　担保\n　　１．免担保\n　　２．少查\n"},
		{"圈码.txt", "流程\n①申请②认证③发证\n"},
		{"带BOM.txt", "\uFEFF担保\n1.免担保\n"},
		{"一段话.txt", "AEO 是经认证的经营者。"},
		{"问答.txt", "常见问题\n\n1、认证要多久？\n一般不超过90日。\n2、收费吗？\n不收费。\n"},
		{"清单.txt", "第一部分 通关便利\n1)优先\n2)预约\n第二部分 担保便利\n1)免除\n"},
		{"政策.txt", "政策汇编\n\n金融支持\n1.信贷支持\n2.融资便利\n\n地方支持\n1.资金奖励\n"},
		{"手册.md", "# 手册\n\n## 通关\n\n1. 优先查验\n2. 优先放行\n\n## 担保\n\n1. 免除担保\n"},
		{"头.md", "---\ntitle: 办法\ndate: 2026-01-07\n---\n## 措施\n1. 优先\n"},
		{"两级.md", "# 甲\n\n1. 一\n\n# 乙\n\n## 丙\n\n1. 二\n"},
		{"起始.md", "## 措施\n\n3. 三\n4. 四\n"},
		{"散文.md", "## 说明\n\n这是一段话。\n\n这是另一段。\n"},
		{"引用.md", "## 说明\n\n> 引用的话\n\n- 甲\n- 乙\n"},
		{"强调.md", "## 措施\n\n1. 可**免除**担保\n"},
		{"中文编号.md", "## 措施\n\n1、优先\n2、预约\n"},
		{"无标题.md", "担保\n\n1. 免担保\n2. 少查\n"},
		{"副题.md", "# 手册\n\n副标题在此\n\n2026-03-01\n\n## 通关\n\n1. 优先查验\n\n## 担保\n\n1. 免除担保\n"},
		{"导语.md", "---\ntitle: 手册\n---\n第一段导语在此\n\n第二段说明也在此\n"},
		{"长条.md", "## 措施\n\n1. 免担保\n\n   另见通知\n2. 少查\n"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			in := imported(t, tt.file, []byte(tt.data))
			golden(t, "text-"+tt.file, outline(in))
			if got := in.Files[tt.file]; string(got) != tt.data || len(in.Files) != 1 {
				t.Errorf("%s: text is to stay as it is, got %q", tt.file, got)
			}
			old := imported(t, tt.file, gb18030(t, strings.TrimPrefix(tt.data, "\uFEFF")))
			if string(old.Files[tt.file]) != strings.TrimPrefix(tt.data, "\uFEFF") || !old.Converted {
				t.Errorf("%s in GB18030: got %q", tt.file, old.Files[tt.file])
			}
		})
	}
}

func TestPaste(t *testing.T) {
	for _, tt := range []struct{ title, text, want string }{
		{"新措施", "担保\n1、免除\n", "新措施.txt"}, {"担保/查验", "## 担保\n\n1. 免除\n", "担保-查验.md"},
	} {
		in, err := intake.Paste(t.Context(), tt.title, tt.text, intake.Options{})
		if err != nil || string(in.Files[tt.want]) != tt.text {
			t.Errorf("%q: got %v, %v, want %s", tt.title, in.Files, err, tt.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "担保.txt")
	must(t, os.WriteFile(file, []byte("担保\n1、免除\n"), 0o600))
	if in, err := intake.ReadFile(t.Context(), file, intake.Options{}); err != nil || in.Name != "担保" {
		t.Errorf("got %+v, %v", in, err)
	}
	for _, bad := range []string{filepath.Dir(file), file + "x"} {
		if _, err := intake.ReadFile(t.Context(), bad, intake.Options{}); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
