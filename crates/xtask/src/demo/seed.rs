//! A morning in two duty rooms, written through the API by the people who would write it. All of
//! it is invented.

use super::http::Client;
use super::processes::Processes;
use super::sites::Site;
use crate::step;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// One log item: site, minutes before now, category, caller, place, what, how it was handled.
type Item = (
    &'static str,
    i64,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const MINUTE_MS: i64 = 60_000;

/// The log item the incident is opened from.
const TRAPPED: usize = 8;

const ITEMS: [Item; 12] = [
    (
        "east",
        540,
        "patrol",
        "",
        "东校区",
        "接班后首次巡查：教学楼、图书馆、实验楼门窗及消防通道正常，2号实验楼三层走廊灯管不亮。",
        "已登记报修，夜间放置反光警示牌。",
    ),
    (
        "west",
        515,
        "patrol",
        "",
        "西校区",
        "首次巡查：宿舍区、食堂、配电房正常；操场东侧围栏有一处松动。",
        "已通知后勤，天亮后加固。",
    ),
    (
        "east",
        455,
        "student_injury",
        "宿管员",
        "东校区3号宿舍楼",
        "一名学生打热水时烫伤右手背，面积约两指宽，意识清楚。",
        "校医院值班医生到场处理，辅导员已陪同，回宿舍休息。",
    ),
    (
        "west",
        400,
        "power_water",
        "食堂值班员",
        "西校区第二食堂",
        "后厨自来水停水，影响早餐准备。",
        "水电班更换接头，六时二十分恢复供水。",
    ),
    (
        "east",
        330,
        "document",
        "",
        "值班室",
        "收到上级关于做好大风降温天气安全防范工作的通知，要求今日中午前报送落实情况。",
        "已呈带班领导阅示，转后勤、学工部门。",
    ),
    (
        "west",
        285,
        "visit",
        "",
        "西校区大门",
        "三名施工人员进校检修燃气管道，证件与登记相符。",
        "已通知后勤专人陪同，领取临时出入证。",
    ),
    (
        "east",
        240,
        "call",
        "学生家长",
        "",
        "询问孩子昨晚未接电话，请求帮助联系。",
        "经辅导员联系，学生手机没电，已当面报平安。",
    ),
    (
        "west",
        190,
        "equipment",
        "",
        "西校区监控室",
        "操场监控画面短时中断，重启交换机后恢复。",
        "已通知信息中心检查线路。",
    ),
    (
        "east",
        95,
        "elevator",
        "楼内学生",
        "东校区行政楼",
        "行政楼1号电梯停在二层与三层之间，轿厢内有两人，可以通话，情绪稳定。",
        "",
    ),
    (
        "west",
        80,
        "theft",
        "学生",
        "西校区图书馆",
        "学生反映自习室丢失一台笔记本电脑，离开座位约二十分钟。",
        "保卫处已调取录像，并陪同学生报案。",
    ),
    (
        "east",
        55,
        "event",
        "校团委",
        "东校区礼堂",
        "下午两点礼堂举办报告会，预计三百人参加，请求协助疏导车辆。",
        "已通知门卫，增派两人。",
    ),
    (
        "west",
        35,
        "call",
        "周边社区",
        "西校区北门",
        "反映北门外道路积水，夜间行人不便。",
        "已转后勤，并请社区联系市政。",
    ),
];

/// Writes the log at both campuses and one incident at East, and waits until the hub has it all.
pub(super) fn write(processes: &mut Processes, sites: &[Site]) -> anyhow::Result<()> {
    let hub = client(sites, "hub", "leader")?;
    processes.until("both campuses are linked with the hub", || linked(&hub))?;
    let east = client(sites, "east", "officer")?;
    let west = client(sites, "west", "officer")?;
    let now = step::epoch_ms() / MINUTE_MS * MINUTE_MS;
    let mut source = String::new();
    for (index, item) in ITEMS.iter().enumerate() {
        let officer = if item.0 == "east" { &east } else { &west };
        let written = officer.act(
            "/api/v1/records",
            json!({ "kind": "log_item", "fields": fields(item, now) }),
        )?;
        if index == TRAPPED {
            source = id(&written)?;
        }
    }
    let incident = open_incident(&east, &source, now)?;
    let all = ITEMS.len() + 1;
    processes.until("the hub has every record of both campuses", || {
        let there = hub.get("/api/v1/records?limit=50")?;
        let count = there["items"].as_array().map_or(0, Vec::len);
        ensure!(count >= all, "{count} of {all} are there");
        Ok(())
    })?;
    // The leader answers from headquarters: the timeline has entries of two sites.
    let text = "请维保单位尽快到场，安排专人与轿厢内人员保持通话，处置情况随时报告。";
    progress(&hub, &incident, now - 88 * MINUTE_MS, text)
}

fn open_incident(east: &Client, source: &str, now: i64) -> anyhow::Result<String> {
    let path = format!("/api/v1/records/{source}/actions/open_incident");
    let opened = east.act(
        &path,
        json!({ "fields": {
        "title": "行政楼电梯困人",
        "class": "accident",
        "level": "IV",
        "place": "东校区行政楼",
        "happened_at": now - 95 * MINUTE_MS,
    } }),
    )?;
    let incident = id(&opened)?;
    for (ago, text) in [
        (93, "已通知电梯维保单位和保卫处，值班员到现场安抚。"),
        (72, "维保人员到场，切断电源，开始盘车放人。"),
        (58, "两人安全走出轿厢，身体无不适；电梯停用并张贴告示。"),
    ] {
        progress(east, &incident, now - ago * MINUTE_MS, text)?;
    }
    Ok(incident)
}

fn progress(who: &Client, incident: &str, at: i64, text: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/records/{incident}/actions/add_progress");
    who.act(&path, json!({ "fields": { "at": at, "text": text } }))
        .map(drop)
}

fn fields(item: &Item, now: i64) -> Value {
    let (_, ago, category, caller, place, content, handling) = *item;
    let mut fields = json!({
        "happened_at": now - ago * MINUTE_MS,
        "category": category,
        "content": content,
    });
    for (name, value) in [("caller", caller), ("place", place), ("handling", handling)] {
        if !value.is_empty() {
            fields[name] = json!(value);
        }
    }
    fields
}

fn id(record: &Value) -> anyhow::Result<String> {
    let id = record["id"].as_str().map(str::to_owned);
    id.with_context(|| format!("an answer without id: {record}"))
}

/// Someone of a role, signed in at the site where the account lives.
pub(super) fn client(sites: &[Site], key: &str, role: &str) -> anyhow::Result<Client> {
    let site = sites
        .iter()
        .find(|site| site.key == key)
        .context("no such site")?;
    let user = site
        .users
        .iter()
        .find(|user| user.role == role)
        .context("no such user")?;
    Client::sign_in(&site.url, &user.login, &user.password)
}

fn linked(hub: &Client) -> anyhow::Result<()> {
    let answer = hub.get("/api/v1/sites")?;
    let sites = answer["sites"].as_array().context("no sites")?;
    let up = sites
        .iter()
        .filter(|site| site["link"]["state"] == "up")
        .count();
    ensure!(up == 2, "{up} of 2 links are up: {answer}");
    Ok(())
}
