package intake_test

import (
	"strings"
	"testing"
)

// wordDocuments are built as Word and WPS write them, after real notices, minutes, rules
// and guides.
var wordDocuments = []struct{ name, body string }{
	{"海关公告", para("海关总署公告2026年第15号（关于优化高级认证企业便利措施的公告）") + para("2026年3月2日") +
		para("为进一步促进贸易便利化，现将有关事项公告如下：") +
		para("一、适用范围") + para("（一）高级认证企业；") + para("（二）其他经海关认可的企业。") +
		para("二、便利措施") + para("（一）适用较低的货物查验率；") + para("1.平均查验率不高于一般企业的20%；") + para("2.优先安排查验。") + para("（二）可向海关申请免除担保。") +
		para("本公告自2026年4月1日起施行。") + para("特此公告。") + para("海关总署") + para("2026年3月2日")},
	{"自动编号三级", styled("Title", "企业信用管理办法解读") +
		listed(1, 0, "优先通关") + listed(1, 1, "设立专用窗口；") + listed(1, 1, "优先查验，具体为：") + listed(1, 2, "进口货物优先；") + listed(1, 2, "出口货物优先。") + listed(1, 1, "预约通关。") +
		listed(1, 0, "担保") + listed(1, 1, "免除担保。")},
	{"样式标题和列表", styled("1", "AEO 培训手册") + styled("2", "一、优先通关") + listed(2, 0, "设立专用窗口") + listed(2, 0, "5倍的额度") + listed(2, 1, "其中甲类") + listed(2, 1, "其中乙类") + listed(2, 0, "优先查验") +
		styled("My", "二、担保") + para("海关对担保有如下规定。") + listed(3, 0, "免除担保") + listed(3, 0, "减少担保")},
	{"条款式办法", styled("Title", "高级认证企业管理办法") + para("（2026年1月7日海关总署令第282号公布）") +
		para("第一章　总则") + styled("Clause", "为了规范管理，制定本办法。") + styled("Clause", "本办法适用于在海关注册登记的企业。") + para("前款所称企业，包括报关企业。") +
		para("第二章　便利措施") + styled("Clause", "高级认证企业适用下列措施：") + para("（一）较低查验率；") + para("（二）免除担保。") + styled("Clause", "本办法自2026年4月1日起施行。")},
	{"会议纪要", para("关于研究 AEO 企业服务工作的会议纪要") + para("时间：2026年2月10日") + para("") + para("会议议定以下事项：") +
		listed(6, 0, "由企管处牵头制定服务清单。") + listed(6, 0, "由技术处完善系统。") + listed(6, 0, "各隶属海关于3月底前报送情况。")},
	{"修订过的文件", para("担保便利") + `<w:p>` + run("1.可向海关申请") + `<w:del w:id="1" w:author="甲"><w:r><w:delText>减半</w:delText></w:r></w:del><w:ins w:id="2" w:author="甲">` + run("免除") + `</w:ins>` + run("担保") + `</w:p>` +
		`<w:p><w:pPr><w:rPr><w:del w:id="3" w:author="甲"/></w:rPr></w:pPr>` + run("2.查验率") + `</w:p>` + para("较低") + `<w:moveFrom w:id="4"><w:p>` + run("搬走的话") + `</w:p></w:moveFrom>` + para("3.其他")},
	{"表格清单", styled("1", "便利措施清单") + styled("2", "通关") + `<w:tbl><w:tblPr/>` + row(para("序号"), para("措施"), para("依据")) + row(para("1"), para("优先查验"), para("第251号令")) + row(para("2"), para("免除担保")+para("可按次申请"), para("第282号令")) + `</w:tbl>` +
		styled("2", "其他") + `<w:tbl>` + row(para("咨询电话：12360")) + `</w:tbl>` + `<w:tbl>` + row(para("地区"), para("窗口")) + row(para("苏州"), `<w:tbl>`+row(para("园区"), para("新区"))+`</w:tbl>`+para("两处")) + `</w:tbl>`},
	{"表格后面的列表", styled("1", "清单") + `<w:tbl>` + row(para("1"), para("优先查验")) + row(para("2"), para("免除担保")) + `</w:tbl>` + listed(1, 0, "另一个列表") + listed(1, 1, "里面的") + `<w:tbl>` + row(para("表格里"), para("的话")) + `</w:tbl>` + listed(4, 0, "符号")},
	{"超链接脚注和图片", para("查验便利") + `<w:p>` + run("1、详见") + `<w:hyperlink r:id="rId9">` + run("海关总署网站") + `</w:hyperlink>` + run("公告") + `<w:r><w:footnoteReference w:id="2"/></w:r></w:p>` +
		`<w:p><w:r><w:drawing><a:graphic xmlns:a="x"/></w:drawing></w:r></w:p>` +
		`<w:p>` + run("2、") + `<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx><w:txbxContent>` + para("框里的字") + `</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>` + para("框里的字") + `</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>` + run("减少稽查") + `</w:p>` +
		`<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>` + run("3、域的结果") + `<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>` +
		`<w:p>` + run("4、公式") + `<m:oMath><m:r><m:t>a+b</m:t></m:r></m:oMath><w:r><w:rPr><w:vanish/></w:rPr><w:t>藏着的</w:t></w:r></w:p>`},
	{"换行写的列表", styled("Title", "常见支持") + `<w:p><w:r><w:t>金融支持</w:t></w:r></w:p>` + `<w:p><w:r><w:t>1.信贷支持</w:t><w:br/><w:t>2.融资便利</w:t><w:br/><w:t>3.绿色通道，</w:t><w:br/><w:t>限高级认证企业</w:t></w:r></w:p>`},
	{"项目符号", styled("2", "部门措施") + listed(2, 0, "金融部门：") + listed(4, 0, "依法给予信贷支持") + listed(4, 0, "提供贸易融资便利") + listed(2, 0, "商务部门：参展优先") + styled("2", "说明") + listed(4, 0, "本清单每年更新") + listed(4, 0, "以当地海关答复为准")},
	{"圈码和多级小数", styled("Heading1", "流程") + listed(7, 0, "提交申请") + listed(7, 0, "现场认证") + styled("Heading1", "要求") + listed(8, 0, "内部控制") + listed(8, 1, "制度健全") + listed(8, 1, "岗位分离") + listed(8, 0, "财务状况") + styled("3x", "附则") + para("由总署负责解释。")},
	{"目录和内容控件", `<w:sdt><w:sdtPr/><w:sdtContent>` + styled("TOC1", "第一部分 申请\t1") + `</w:sdtContent></w:sdt>` + styled("1", "第一部分 申请") + `<w:sdt><w:sdtContent>` + para("1、填写申请书") + `</w:sdtContent></w:sdt>` + para("2、# 号开头、*星号*和[链接]: 都是字") + styled("1", "第二部分 认证") + para("　　海关实地认证。") + styled("LoopA", "3. 不是条目，\t但是有编号的字")},
	{"以标记开头的字", styled("1", "# 井号") + para("1、# 不是标题") + para("2、> 不是引用") + para("3、```不是代码") + para("4、- 不是列表") + styled("1", "二〇二六年") + para("<div>不是网页</div>") + para("[a]: b") + para("===") + para("---")},
}

func TestWordDocuments(t *testing.T) {
	for _, tt := range wordDocuments {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, "docx-"+tt.name, outline(imported(t, tt.name+".docx", wordFile(t, tt.body, nil))))
		})
	}
}

func TestWordNumbersAsShown(t *testing.T) {
	formats := []struct {
		format, text string
		want         string // what stands before the words, for the first and the eleventh
	}{
		{"decimal", "%1.", "1. 11."}, {"decimalZero", "(%1)", "(01) (11)"}, {"upperRoman", "%1.", "I. XI."}, {"lowerRoman", "%1)", "i) xi)"},
		{"upperLetter", "%1.", "A. K."}, {"lowerLetter", "%1)", "a) k)"}, {"chineseCounting", "%1、", "一、 十一、"}, {"chineseCountingThousand", "第%1条", "第一条 第十一条"},
		{"chineseLegalSimplified", "%1、", "壹、 拾壹、"}, {"ideographTraditional", "%1、", "甲、 甲、"}, {"ideographZodiac", "%1、", "子、 戌、"}, {"decimalEnclosedCircle", "%1", "① ⑪"},
		{"decimalFullWidth", "%1．", "１． １１．"}, {"decimalEnclosedParen", "%1", "⑴ ⑾"}, {"ideographDigital", "%1、", "一、 一一、"}, {"none", "注：", "注： 注："}, {"cardinalText", "%1.", "1. 11."},
	}
	for _, f := range formats {
		t.Run(f.format, func(t *testing.T) {
			var body strings.Builder
			body.WriteString(styled("1", "节"))
			for range 11 {
				body.WriteString(listed(1, 0, "甲方案") + para("。"))
			}
			part := `<w:numbering ` + wordSpace + `><w:abstractNum w:abstractNumId="1">` + level(0, f.format, f.text, 1) + `</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num></w:numbering>`
			in := imported(t, "a.docx", wordFile(t, body.String(), map[string]string{"word/numbering.xml": part}))
			first, last, _ := strings.Cut(f.want, " ")
			source := string(in.Document.Source)
			for _, label := range []string{first, last} {
				number := strings.Trim(label, "().（）、．")
				digits := map[string]string{"一": "1", "十一": "11", "第一条": "1", "第十一条": "11", "①": "1", "⑪": "11", "⑴": "1", "⑾": "11", "１": "1", "１１": "11", "01": "1"}
				if d := digits[number]; d != "" {
					number = d
				}
				if !strings.Contains(source, number+"、甲方案") && !strings.Contains(source, label+"甲方案") && !strings.Contains(source, label+" 甲方案") {
					t.Errorf("%s: %q stands nowhere before its words:\n%s", f.format, label, source)
				}
			}
		})
	}
}
