"""Makes proxy/governance/clean.txt: neutral sentences for the dry run of the entry standard, all our own.

    .venv/bin/python scripts/clean_corpus.py

Sentences are put together from the lists below with a fixed seed, so a second run writes the same file. What
a feature library must not hit is in them on purpose: everyday news, cooking, study, health, law, sport,
travel, trade, letters, chat, code and numbers, in Chinese (simplified and traditional), English and mixed.
"""

from __future__ import annotations

import random
from pathlib import Path

TARGET = Path(__file__).parent.parent / "proxy/governance/clean.txt"
CHANCE = random.Random(20261127)
SIZE = 210_000

WHO = [
    "王老师",
    "李医生",
    "小张",
    "我们班的同学",
    "社区志愿者",
    "一位退休工程师",
    "图书馆管理员",
    "公司的会计",
    "村里的农户",
    "气象台",
    "市教育局",
    "研究小组",
    "新来的实习生",
    "邻居阿姨",
    "出租车司机",
    "餐厅老板",
    "考古队员",
    "护士长",
    "几名大学生",
    "县文化馆",
    "程序员小林",
    "快递员",
    "博物馆讲解员",
    "合唱团",
    "校足球队",
    "我的表姐",
    "档案馆",
    "园艺师",
    "电影导演",
    "小说作者",
    "两位评论员",
    "物业公司",
    "消防员",
    "幼儿园老师",
    "天文爱好者",
    "渔民",
    "木匠师傅",
    "财务主管",
    "测试团队",
    "法律顾问",
    "牙科医生",
    "产品经理",
]
WHEN = [
    "昨天下午",
    "今年春天",
    "上个星期",
    "清晨六点",
    "假期里",
    "雨停以后",
    "去年冬天",
    "每逢周末",
    "三月中旬",
    "午饭后",
    "开学第一周",
    "傍晚",
    "前几天",
    "国庆期间",
    "深秋时节",
    "二十年前",
    "刚才",
    "会议结束后",
    "月底",
    "放学路上",
    "端午节前",
    "第二天一早",
    "晚饭时",
    "立秋那天",
    "十月八日",
]
WHERE = [
    "在学校操场",
    "在城南的菜市场",
    "在河边的小路上",
    "在办公室里",
    "在图书馆二楼",
    "在山脚下的村子",
    "在火车站候车厅",
    "在社区活动中心",
    "在实验室",
    "在老城区",
    "在医院门口",
    "在厨房",
    "在线上会议里",
    "在海边",
    "在植物园",
    "在法院大厅",
    "在工厂车间",
    "在机场",
    "在阳台上",
    "在书店",
    "在展览馆",
    "在乡镇卫生院",
    "在篮球馆",
]
DID = [
    "整理了一份详细的记录",
    "讨论了下学期的课程安排",
    "种下了二十棵石榴树",
    "修好了漏水的水管",
    "发布了新的天气预报",
    "完成了年度审计报告",
    "排练了一首民歌",
    "测量了河水的深度",
    "准备了三道家常菜",
    "解释了合同的主要条款",
    "介绍了青铜器的铸造方法",
    "记录了候鸟迁徙的路线",
    "改正了程序里的一个错误",
    "学会了骑自行车",
    "参观了新建成的科技馆",
    "收集了居民的意见和建议",
    "调整了公交线路",
    "比较了两种肥料的效果",
    "画了一幅水彩画",
    "写完了论文的第三章",
    "打扫了楼道",
    "组织了一次登山活动",
    "检查了消防设备",
    "练习了半个小时的钢琴",
    "翻译了一篇关于海洋的文章",
    "计算了贷款的利息",
    "拍摄了一组星空照片",
    "更换了旧的路灯",
    "总结了本季度的销售情况",
    "预约了体检",
    "观察了月食的全过程",
    "补种了疫苗",
    "申请了专利",
    "核对了发票",
    "缝好了窗帘",
    "煮了一锅绿豆汤",
]
SO = [
    "大家都觉得很有收获",
    "结果比预想的要好",
    "还需要进一步核实",
    "这件事已经告一段落",
    "后续情况会及时公布",
    "孩子们非常开心",
    "费用由双方平均分担",
    "详细数据见附表",
    "希望明年能继续下去",
    "这种做法值得推广",
    "天色渐渐暗了下来",
    "味道清淡而不失鲜美",
    "空气里有桂花的香味",
    "目前一切正常",
    "请大家注意保暖",
    "医生建议多喝水、早休息",
    "参加者可以在网上报名",
    "文件已经存入档案",
    "水位下降了十二厘米",
    "平均成绩提高了五分",
    "价格保持稳定",
    "欢迎提出不同看法",
]
ZH_WHOLE = [
    "根据合同第七条的约定，乙方应当在收到通知之日起十五个工作日内完成交付。",
    "患者主诉咳嗽三天，无发热，双肺呼吸音清，建议复查血常规并随访。",
    "把面粉、鸡蛋和少许盐混合，揉成光滑的面团，醒发四十分钟后擀成薄片。",
    "这款耳机佩戴舒适，低音偏弱，续航大约二十小时，性价比不错。",
    "从火车站乘坐三路公交车，经过五站后下车，向北步行约二百米即到。",
    "光合作用的速率受光照强度、二氧化碳浓度和温度的影响。",
    "本次列车因前方降雨限速运行，预计晚点二十五分钟，敬请谅解。",
    "主队在下半场连进两球，最终以三比一取得胜利，积分升至第四位。",
    "请在报名表中填写姓名、联系方式和紧急联系人，并附上近期照片一张。",
    "原告主张被告返还借款本金及利息，被告对借款事实没有异议。",
    "唐代诗人常以月亮寄托思乡之情，语言平易而意境深远。",
    "该数列的通项公式可以用数学归纳法证明，当n等于一时命题成立。",
    "小猫趴在窗台上晒太阳，尾巴一甩一甩的，像是在数路过的鸽子。",
    "第三季度营业收入同比增长百分之八点四，净利润基本持平。",
    "温馨提示：本周六上午九点至十一点停水检修，请提前做好储水准备。",
    "您好，您的订单已经发货，预计三天内送达，感谢您的耐心等待。",
    "种植番茄要注意通风和光照，果实膨大期适当增施钾肥。",
    "考试时间为一百二十分钟，满分一百五十分，答案请写在答题卡上。",
    "地铁六号线西延段今日开通试运营，沿线居民出行更加方便。",
    "这部纪录片用四年时间记录了一个山村小学的变化。",
    "妈妈问我晚上想吃什么，我说想吃西红柿炒鸡蛋和紫菜汤。",
    "系统将在今晚零点进行升级，届时登录功能可能短暂不可用。",
    "心脏每分钟跳动约七十次，剧烈运动时可以达到一百五十次以上。",
    "古桥始建于明代，全长八十余米，桥面由青石板铺成。",
    "如果明天不下雨，我们就去郊外放风筝；如果下雨，就在家里下棋。",
    "依据劳动合同法的有关规定，试用期包含在劳动合同期限内。",
    "该药品应当在阴凉干燥处保存，儿童应当在成人监护下使用。",
    "谢谢你昨天帮我搬家，改天请你吃饭，顺便把书还给你。",
    "台风预计于周三夜间登陆，沿海地区请做好防风防汛准备。",
    "她把旧毛衣拆了，重新织成一条围巾，颜色是淡淡的灰蓝。",
]
HANT = [
    "請問這附近有沒有賣文具的商店？",
    "圖書館週一休館，借書請於週二以後辦理。",
    "這道菜要用小火慢燉，大約四十分鐘就可以起鍋。",
    "他學習書法已經十年，最喜歡臨摹楷書。",
    "颱風過後，農民忙著扶正倒伏的稻子。",
    "會議紀錄已經寄到各位的信箱，請在週五前確認。",
    "臺北今天多雲，午後山區有短暫陣雨。",
    "國小學生參觀了天文館，對土星的光環很感興趣。",
]
EN_WHO = """The committee|A retired teacher|My neighbour|The research team|Our accountant|The ferry captain|A young pianist|The museum
The gardener|Two students|The city council|An old friend|The support desk|A visiting nurse|The translator|The bakery on Mill Street
The weather service|Our chess club|The librarian|A local farmer|The editor|The orchestra|A careful reader|The railway company""".replace(
    "\n", "|"
).split("|")
EN_DID = """published a short report on water quality|planted three apple trees|repaired the broken window|explained the new timetable
wrote a letter to the editor|measured the height of the tide|agreed to postpone the meeting until Thursday|baked bread for the whole street
compared two methods of sorting|catalogued four hundred postcards|recommended a warm coat and good shoes|finished the second chapter
answered the questions one by one|opened a small exhibition of ceramics|found a mistake in the table of contents|walked along the coast
collected samples from five lakes|invited everyone to the spring concert|reviewed the lease and signed it|taught the children to swim
painted the fence green|checked the invoice twice|translated the menu into Portuguese|photographed the eclipse""".replace(
    "\n", "|"
).split("|")
EN_SO = """and nobody was surprised.|because the old one had worn out.|while it rained outside.|before the shops closed.|after a long discussion.
although the budget was small.|so the results can be repeated.|as they do every year.|with help from the neighbours.|and kept the receipts.
which took most of the afternoon.|despite the heat.|in time for the holidays.|to everybody's relief.|without any fuss.""".replace(
    "\n", "|"
).split("|")
EN_WHOLE = [
    "Please find attached the minutes of Tuesday's meeting; comments are welcome until Friday.",
    "Preheat the oven to 180 degrees and grease a 20 cm tin with a little butter.",
    "The patient reports mild headache for two days, no fever, no nausea; blood pressure 124/79.",
    "Either party may terminate this agreement with thirty days' written notice.",
    "The function returns the index of the first match, or -1 when there is none.",
    'Q: How do I reset my password? A: Choose "Forgot password" on the sign-in page and follow the link.',
    "Average rainfall in April was 62 mm, slightly below the ten-year mean of 66 mm.",
    "The second movement opens with a quiet theme in the cellos, answered by the oboe.",
    "Shares closed 0.4% higher in light trading ahead of the holiday.",
    "Let x be a real number with x > 0; then log(x) is defined and increasing.",
    "Platform 3 for the 14:25 service to Bristol, calling at Swindon and Bath.",
    "I loved this kettle: quick, quiet, and the lid opens with one hand. Four stars.",
    "Photosynthesis converts light energy into chemical energy stored in glucose.",
    "Dear Ms. Harper, thank you for your application; we would like to invite you to an interview.",
    "The bridge was built in 1887 and restored after the flood of 1953.",
    "If the light blinks twice, replace the filter; if it stays on, call the service number.",
]
NAMES = [
    "count",
    "total",
    "items",
    "index",
    "result",
    "name",
    "path",
    "user",
    "value",
    "table",
    "line",
    "page",
    "order",
    "price",
    "width",
    "node",
    "queue",
    "buffer",
    "token",
    "score",
]
VERBS = [
    "load",
    "save",
    "parse",
    "read",
    "write",
    "update",
    "remove",
    "find",
    "sort",
    "merge",
    "split",
    "check",
    "format",
    "render",
    "send",
    "fetch",
    "build",
    "close",
]
CODE = [
    "def {v}_{n}({n}, limit={i}):\n    return [x for x in {n} if x < limit]",
    "for {n} in range({i}):\n    {m} += {n} * {j}",
    "SELECT {n}, COUNT(*) FROM {m} WHERE {n} > {i} GROUP BY {n} ORDER BY 2 DESC;",
    "const {v}{N} = async ({m}) => {{ const {n} = await {v}({m}); return {n}.length; }};",
    "if ({n} == NULL || {m} < {i}) {{ return -{j}; }}  // nothing to {v}",
    '{{"{n}": {i}, "{m}": "{v}", "ok": true, "list": [{i}, {j}]}}',
    "public int {v}{N}(List<String> {m}) {{ return {m}.size() + {i}; }}",
    "$ {v} --{n}={i} --{m} ./data/{n}-{j}.csv | head -n {i}",
    "<li class=\"{n}\"><a href=\"/{m}/{i}\">{v} {n}</a></li>",
    "fn {v}_{n}(mut {m}: Vec<u32>) -> usize {{ {m}.push({i}); {m}.len() }}",
    "# {v} the {n} before the {m}\n{n} = {m}.{v}({i}) or {j}",
    "2026-0{d}-1{d} 0{d}:2{d}:4{d} INFO {n}: {v} took {i}.{j} ms ({m}={j})",
]  # fmt: skip


def pick(words: list[str]) -> str:
    return CHANCE.choice(words)


def chinese() -> str:
    if CHANCE.random() < 0.2:
        return pick(ZH_WHOLE)
    order = [pick(WHEN), pick(WHO)] if CHANCE.random() < 0.7 else [pick(WHO), pick(WHEN)]
    said = "".join([*order, pick(WHERE), pick(DID)])
    return said + pick(["，", "。", "；"]) + pick(SO) + pick(["。", "。", "！", "……"])


def english() -> str:
    if CHANCE.random() < 0.25:
        return pick(EN_WHOLE)
    return f"{pick(EN_WHO)} {pick(EN_DID)} {pick(EN_SO)}"


def code() -> str:
    n, m = CHANCE.sample(NAMES, 2)
    v = pick(VERBS)
    i, j, d = CHANCE.randint(2, 900), CHANCE.randint(2, 90), CHANCE.randint(1, 9)
    return pick(CODE).format(n=n, m=m, v=v, N=n.capitalize(), i=i, j=j, d=d).replace("\n", " ")


def mixed() -> str:
    number = CHANCE.randint(10, 9999)
    return pick([
        f"订单编号 A-{number}-{CHANCE.randint(100, 999)}，共 {number % 17 + 1} 件，合计 ¥{number}.50。",
        f"请打开 https://example.org/help/{number} 查看说明（约 {number % 40 + 2} 分钟）。",
        f"变量 {pick(NAMES)} 的类型是 int，默认值为 {number}；调用 {pick(VERBS)}() 之前先检查。",
        f"{pick(WHO)}说：“{pick(SO)}。”然后{pick(DID)}。",
        f"1. {pick(DID)}；2. {pick(DID)}；3. {pick(DID)}。",
        f"联系电话 010-5555{number:04d}，传真同号，邮编 {100000 + number}。",
        pick(HANT),
        f"Re: {pick(EN_DID).capitalize()} ({number}) 🙂 谢谢！",
    ])  # fmt: skip


def main() -> None:
    lines: list[str] = []
    size = 0
    while size < SIZE:
        line = CHANCE.choices([chinese, english, code, mixed], [50, 20, 14, 16])[0]()
        lines.append(line)
        size += len(line.encode("utf-8")) + 1
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
