//! What people of a duty room write, stitched from the phrases they use every day.

use rand::Rng as _;
use rand::rngs::StdRng;

const PLACES: [&str; 10] = [
    "3 号学生公寓",
    "图书馆三楼阅览室",
    "东门岗亭",
    "第二食堂后厨",
    "实验楼 B 区 412 室",
    "体育场看台",
    "行政楼地下车库",
    "南区配电房",
    "校医院急诊",
    "外语楼报告厅",
];

const EVENTS: [&str; 12] = [
    "值班室接保卫处来电，报告夜间巡查发现门窗未关，已通知楼管到场处置",
    "家长来电询问学生返校时间与晚点名情况，已转学生处值班老师答复",
    "后勤处报告自来水管爆裂，部分楼层停水，维修人员二十分钟内到达",
    "烟感报警器鸣响，值班员到场核实为水汽误报，已复位并登记",
    "一名学生运动时扭伤，由同学陪同送校医院，辅导员已联系家长",
    "上级单位电话通知，要求于当日十七时前报送在校人数与值班安排",
    "外来车辆登记入校送货，核对预约信息后放行，限停四十分钟",
    "电梯困人一起，维保单位十五分钟到场解救，人员无恙，电梯停用待检",
    "网络中心通报教务系统短时不能登录，正在排查，预计一小时内恢复",
    "收到机要文件一份，已登记编号并送办公室签收，要求次日传阅",
    "巡更人员报告围栏破损一处，已设警示带，报修单转后勤处",
    "有人拾得手机一部，暂存值班室，已在失物招领群发布信息",
];

const ENDINGS: [&str; 8] = [
    "已向带班领导口头报告。",
    "现场无人员受伤，秩序正常。",
    "后续情况继续跟踪，有变化随时上报。",
    "请接班人员留意并于次日上午回访。",
    "相关照片已留存，书面材料随后补报。",
    "已按预案启动联动，各部门到位。",
    "对方表示理解，对处理结果满意。",
    "费用与责任认定由后勤处另行处理。",
];

const NAMES: [&str; 8] = [
    "王建国",
    "李秀兰",
    "张伟",
    "刘洋",
    "陈静",
    "杨帆",
    "赵敏",
    "周志强",
];

fn one<'a>(rng: &mut StdRng, words: &[&'a str]) -> &'a str {
    words[rng.random_range(0..words.len())]
}

/// A paragraph of some 70 characters.
pub(super) fn paragraph(rng: &mut StdRng) -> String {
    let (place, event, ending) = (one(rng, &PLACES), one(rng, &EVENTS), one(rng, &ENDINGS));
    let (hour, minute) = (rng.random_range(0..24), rng.random_range(0..60));
    format!("{hour:02}:{minute:02} {place}：{event}。{ending}")
}

/// One sentence.
pub(super) fn sentence(rng: &mut StdRng) -> String {
    let (name, ending) = (one(rng, &NAMES), one(rng, &ENDINGS));
    format!("{name}：{ending}")
}

/// A few words for a title.
pub(super) fn title(rng: &mut StdRng) -> String {
    format!("{}突发情况", one(rng, &PLACES))
}

/// A place on campus.
pub(super) fn place(rng: &mut StdRng) -> String {
    one(rng, &PLACES).to_owned()
}

/// A person's name.
pub(super) fn name(rng: &mut StdRng) -> String {
    one(rng, &NAMES).to_owned()
}
