//! The English vocabulary. A new word is one more entry of a row.

use crate::sense::{CurrencyWord, DayPart, DayWord, LengthUnit, Period, Sense, Unit, Which, Window};

const DAY: Sense = Sense::Window(Window::Calendar(Period::Day));
const WEEK: Sense = Sense::Window(Window::Calendar(Period::Week));
const MONTH: Sense = Sense::Window(Window::Calendar(Period::Month));
const HOUR: Sense = Sense::Window(Window::Rolling { seconds: 3_600 });

pub(crate) const PHRASES: &[(Sense, &str)] = &[
    (
        Sense::Cap,
        "at most | up to | no more than | not more than | maximum | max | a maximum of | \
        maximum of | a max of | max of | at the most | or less | tops | limit of | a limit of | \
        limit | limited to | capped at | a cap of | cap of | cap | not exceed | not exceeding | \
        not to exceed | never exceed | should not exceed | must not exceed | never more than | \
        a budget of | budget of | budget is | budget | within a budget of | within budget of | \
        with a budget of | not over | do not spend more than | don't spend more than | \
        never spend more than | not spend more than | spend no more than | \
        must cost no more than | should cost at most | not above | no higher than | \
        don't pay more than | do not pay more than | don't go over | never go over | ≤ | <=",
    ),
    (
        Sense::Floor,
        "at least | no less than | not less than | minimum | minimum of | a minimum of | min | ≥ | \
        >=",
    ),
    (Sense::Below, "below | under | less than | cheaper than | is below | is under | is less than | <"),
    (
        Sense::Above,
        "above | over | more than | exceeding | exceeds | greater than | higher than | is over | \
        is above | is more than | costs more than | bigger than | beyond | >",
    ),
    (
        Sense::Each,
        "/each | /order | /payment | each | each time | per payment | per purchase | per order | per transaction | a payment | \
        a purchase | an order | each payment | each purchase | each order | every payment | \
        every purchase | every order | apiece | a time | at a time | per time | single payment | \
        per item | per cup | per ticket | per piece | a cup | a ticket | a piece | per call | \
        a call | each call | per unit | per meal | a meal | per ride | a ride | each one | \
        single | per night | a night | for each payment | a transaction | in one payment | \
        in a single payment | for one payment | per request | a request",
    ),
    (
        Sense::Total,
        "in total | total | altogether | overall | in all | all together | all in | all in all | \
        total of | a total of | in sum | total budget | combined | total limit | in the end",
    ),
    (DAY, "a day | per day | daily | each day | every day | any given day | /day | in one day"),
    (WEEK, "a week | per week | weekly | each week | every week | /week"),
    (MONTH, "a month | per month | monthly | each month | every month | /month | per calendar month"),
    (HOUR, "an hour | per hour | hourly | each hour | every hour | /hour"),
    (
        Sense::WindowUnknown,
        "a year | per year | yearly | annually | each year | every year | per quarter | quarterly | \
        a quarter | each quarter | per weekday | on weekdays | every weekday | every morning | \
        every evening | every other day | every weekend | a minute | per minute | every minute | \
        fortnightly | per session",
    ),
    (Sense::AnyOf, "per | every | in every"),
    (Sense::Any, "in any | within any | any | any rolling | in any rolling | over any"),
    (Sense::Article, "a | an"),
    (
        Sense::Filler,
        "the | of | is | it | it's | its | to be | be | please | me | my | i | you | your | we | \
        us | this | that | these | those | them | they | can | could | may | would | like | want | \
        let | agent | assistant | the agent | wallet | which | on | money | by itself | itself | \
        just | set | make | sure | also | so | should | will | amount | with | for me | now | \
        right now | payments | payment | purchases | purchase | are | was | costs | cost | does | \
        do | in | rule | allowed | allow | as | go | something | stuff | things | thing | \
        anything | i'd | i'm | am | has | have | need | needs | ok | by | but | going | new rule | \
        each of them | worth | the end of | end of",
    ),
    (Sense::And, "and | & | 、 | as well as | and from"),
    (Sense::Or, "or | or from"),
    (Sense::To, "to | - | – | ~"),
    (
        Sense::From,
        "from | starting | starting from | starting on | as of | beginning | since | buy from | \
        beginning on | order from",
    ),
    (
        Sense::Until,
        "until | till | through | up until | up to and including | no later than | expires on | \
        expiring on | ends on | valid until | not later than | expires | valid through",
    ),
    (Sense::Before, "before"),
    (Sense::After, "after"),
    (Sense::NotBefore, "not before | no earlier than | not earlier than | departing after | leaving after"),
    (Sense::NotAfter, "departing before | leaving before | arriving before"),
    (
        Sense::Within,
        "within | in the next | over the next | during the next | for the next | inside of | \
        the next | next",
    ),
    (Sense::For, "for"),
    (Sense::Valid, "valid | valid for | validity | runs"),
    (
        Sense::OpenEnded,
        "until i stop it | until i say stop | until i cancel | until further notice | \
        until i revoke it | no end date | no end",
    ),
    (
        Sense::OnlyFrom,
        "only from | only at | only buy from | only buy at | only order from | just from | \
        exclusively from | only use | only pay | only shop at | buy only from | buy only at | \
        only with | only on | only via | order only from | pay only | from nowhere but | \
        exclusively at",
    ),
    (
        Sense::NotFrom,
        "not from | never from | not at | don't buy from | do not buy from | never buy from | \
        avoid buying from | nothing from | don't order from | do not order from | \
        never order from | never pay | except from | don't use | do not use | never use | \
        don't pay | do not pay | but not from | not on | never at | don't shop at",
    ),
    (Sense::At, "at"),
    (
        Sense::Only,
        "only | only buy | only for | nothing but | only order | buy only | exclusively | \
        only spend on | spend only on | for nothing but | restricted to",
    ),
    (
        Sense::No,
        "no | avoid | avoiding | without | never buy | don't buy | do not buy | not buy | \
        never order | don't order | do not order | excluding | exclude | except | except for | \
        nothing with | not for | never for | but no | and no | but not | other than | \
        don't buy any | do not buy any | never buy any | don't spend on | skip | anything but",
    ),
    (
        Sense::Buy,
        "buy | purchase a | get | order | book | grab | pick up | reserve | buying | ordering | \
        booking | go ahead and buy | then buy | bring | fetch | book for | buy one",
    ),
    (Sense::Spend, "spend | spending | pay | use | paying | costing | spent"),
    (
        Sense::Ask,
        "ask me | ask | ask me first | check with me | ask for my approval | needs my approval | \
        need my approval | requires my approval | require my approval | confirm with me | \
        let me confirm | get my ok | ask first | ask me before | ask before | ask for approval | \
        needs approval | get my approval | ask for my ok | ask me if | ask me when | ask me for | \
        check with me first | check with me before | i want to confirm | with my approval | \
        ask me about | ask for confirmation | must ask me",
    ),
    (
        Sense::Always,
        "every time | always | for everything | for every payment | before every payment | \
        before each payment | for every purchase | before every purchase | before buying | \
        before paying | for each payment",
    ),
    (
        Sense::FirstContact,
        "new merchants | new merchant | new sellers | new seller | a new merchant | a new seller | \
        a new shop | new shops | unknown merchants | unknown sellers | an unknown seller | \
        merchants i have never used | sellers i have never used | a seller i have never used | \
        a merchant i have never used | the first time | first-time sellers | \
        a shop i have never used",
    ),
    (
        Sense::If,
        "if | when | whenever | as soon as | if it | when it | when they | once it | if they | \
        as soon as it | when its | if its | once they | if it's | when it's | in case",
    ),
    (Sense::Then, "then"),
    (
        Sense::Falls,
        "hits | hit | drops to | drop to | falls to | fall to | drops below | drop below | \
        falls below | fall below | goes below | goes under | gets below | gets under | \
        drops under | falls under | comes down to | gets down to | goes down to | dips below | \
        reaches | dips to | gets to | is at or below | is down to | is at most | sinks to | \
        drops to or below",
    ),
    (
        Sense::Rises,
        "rises to | rises above | goes above | goes over | climbs to | climbs above | gets above | \
        goes up to | rises over",
    ),
    (Sense::Price, "price | the price | its price | their price | cost of it"),
    (
        Sense::Notify,
        "notify me | tell me | alert me | let me know | remind me | ping me | message me | notify | \
        send me a message | i will confirm | i'll confirm",
    ),
    (Sense::Auto, "automatically | auto-buy | right away | immediately | straight away | at once"),
    (Sense::Retry, "retry | retries | try again | retry it | tries"),
    (
        Sense::Fails,
        "if payment fails | if the payment fails | on failure | if it fails | when payment fails | \
        on payment failure | if a payment fails | when a payment fails | when the payment fails | \
        after a failed payment | if paying fails | payment failure",
    ),
    (Sense::Cancel, "cancel | abort | give up | cancel it | cancel the order | call it off"),
    (Sense::Pause, "pause | pause it | hold on | stop and ask"),
    (
        Sense::Deviation,
        "price deviation | deviation | tolerance | price tolerance | price change | \
        the price may vary | the price may differ | price may differ | price may vary | \
        price changes | the price changes | the price changes more | price changes more | \
        differs more | changes more | price differs | the price differs | deviates | price moves | \
        off the price | the price moves | the price may change | of the price | \
        of the quoted price | the shown price",
    ),
    (Sense::Once, "once | a single time | only once | just once | one time only"),
    (Sense::Twice, "twice | two times"),
    (
        Sense::Deliver,
        "deliver | delivered | delivery | arrive | arrives | arriving | deliver it | have it here | \
        delivery time | it must arrive | must arrive | deliver them | delivered to | deliver to | \
        shipped",
    ),
    (
        Sense::Place,
        "office | my office | home | my home | my place | work | school | the dorm | the office | \
        our office",
    ),
    (
        Sense::Freely,
        "as you see fit | you decide | at your discretion | your choice | use your judgement | \
        use your judgment",
    ),
    (
        Sense::Roughly,
        "-ish | around | about | roughly | approximately | approx | some | circa | nearly | almost | \
        more or less | or so | give or take | ≈ | ish | close to | in the region of",
    ),
    (
        Sense::Vague,
        "cheap | cheaply | reasonable | reasonably priced | affordable | a few | several | soon | \
        some day | someday | later | not too expensive | inexpensive | a decent price | \
        market price | a good price | a fair price | a couple | a couple of | a bit | eventually | \
        sometime | occasionally | from time to time | now and then | few | hundreds | thousands | \
        hundred | thousand | million | a little | a lot | some time | sometimes | a while | half | \
        half a | a few days | a few times | often | good value | not expensive | a handful of | \
        double | triple",
    ),
    (
        Sense::Override,
        "ignore previous | ignore all | ignore the | ignore my | ignore any | ignore | disregard | \
        forget the | forget all | forget my | override | bypass | unlimited | no limit | \
        without limit | without limits | no limits | limitless | any amount | whatever it costs | \
        whatever amount | at any price | any price | raise the limit | increase the limit | \
        raise my limit | lift the limit | remove the limit | remove all limits | \
        skip confirmation | without confirmation | without approval | don't ask | do not ask | \
        never ask | without asking | no approval | no confirmation | system prompt | system: | \
        developer mode | jailbreak | infinite | infinity | as much as | no matter | \
        previous limits | previous instructions | previous rules | new instructions | \
        money is no object | all my money | everything i have | whole balance | entire balance | \
        limit unlimited | no cap | no maximum | uncapped | no budget | disable | turn off | \
        switch off | instead of the limit | don't need to ask | without my approval | \
        without my confirmation | skip approval | limits do not apply",
    ),
    (
        Sense::Restricts,
        "assuming | given | lest | though | although | whereas | suppose | depending | subject to | hardly | barely | as long as | so long as | on condition | in that case | if needed | anywhere | everywhere | elsewhere | anyone | anybody | not | never | don't | doesn't | won't | can't | cannot | must | mustn't | unless | \
        except | besides | nothing | none | neither | nor | limits | rules | restrict | forbid | \
        forbidden | prohibit | else | otherwise | provided | while | during | minus | plus | off | \
        discount | refund | until | least | most | condition | ban | banned | block | blocked | \
        every | per | than | instead | stop | isn't | aren't | shouldn't | refuse | reject | \
        deny | exactly | between | require | requires | required | excluded | twice as | extra | \
        deposit | first | last | weekends | weekdays | transfer | send",
    ),
    (
        Sense::LeaveOut,
        "leave it out | leave that out | leave them out | drop it | ignore it | ignore that | \
        never mind | forget it | leave out | remove it",
    ),
    (Sense::Yes, "yes | yes please | right | correct | yes it is"),
    (
        Sense::Merchant,
        "a merchant | merchant | the merchant | a seller | seller | a shop | shop | merchants | \
        sellers | shops",
    ),
    (
        Sense::Product,
        "part of what to buy | part of the name | a product | part of the product | a place | \
        the place | place | a wish | about the goods | the product | the item",
    ),
    (Sense::When(DayWord::Today), "today | by the end of today | the end of today | end of day"),
    (Sense::When(DayWord::Tonight), "tonight | this evening"),
    (Sense::When(DayWord::Tomorrow), "tomorrow | the end of tomorrow"),
    (Sense::When(DayWord::AfterTomorrow), "the day after tomorrow | day after tomorrow"),
    (Sense::When(DayWord::ThisWeek), "this week"),
    (Sense::When(DayWord::NextWeek), "next week"),
    (Sense::When(DayWord::ThisMonth), "this month"),
    (Sense::When(DayWord::NextMonth), "next month"),
    (Sense::When(DayWord::ThisYear), "this year"),
    (Sense::When(DayWord::ThisWeekend), "this weekend | the weekend"),
    (Sense::When(DayWord::NextWeekend), "next weekend"),
    (Sense::When(DayWord::EndOfWeek), "the end of the week | end of the week | the end of this week"),
    (
        Sense::When(DayWord::EndOfMonth),
        "the end of the month | end of the month | the end of this month | month end | \
        end of month",
    ),
    (Sense::When(DayWord::EndOfNextMonth), "the end of next month | end of next month"),
    (
        Sense::When(DayWord::EndOfYear),
        "the end of the year | end of the year | the end of this year | end of this year | \
        end of year",
    ),
    (weekday(0, Which::Coming), "monday"),
    (weekday(1, Which::Coming), "tuesday"),
    (weekday(2, Which::Coming), "wednesday"),
    (weekday(3, Which::Coming), "thursday"),
    (weekday(4, Which::Coming), "friday"),
    (weekday(5, Which::Coming), "saturday"),
    (weekday(6, Which::Coming), "sunday"),
    (weekday(0, Which::This), "this monday"),
    (weekday(1, Which::This), "this tuesday"),
    (weekday(2, Which::This), "this wednesday"),
    (weekday(3, Which::This), "this thursday"),
    (weekday(4, Which::This), "this friday"),
    (weekday(5, Which::This), "this saturday"),
    (weekday(6, Which::This), "this sunday"),
    (weekday(0, Which::Next), "next monday"),
    (weekday(1, Which::Next), "next tuesday"),
    (weekday(2, Which::Next), "next wednesday"),
    (weekday(3, Which::Next), "next thursday"),
    (weekday(4, Which::Next), "next friday"),
    (weekday(5, Which::Next), "next saturday"),
    (weekday(6, Which::Next), "next sunday"),
    (month(1), "january | jan"),
    (month(2), "february | feb"),
    (month(3), "march | mar"),
    (month(4), "april | apr"),
    (month(6), "june | jun"),
    (month(7), "july | jul"),
    (month(8), "august | aug"),
    (month(9), "september | sep | sept"),
    (month(10), "october | oct"),
    (month(11), "november | nov"),
    (month(12), "december | dec"),
    (Sense::DayPart(DayPart::Morning), "morning | in the morning"),
    (Sense::DayPart(DayPart::Evening), "afternoon | in the afternoon | evening | in the evening | at night"),
    (Sense::DayPart(DayPart::Noon), "noon | midday | 12 noon"),
    (
        Sense::Plain,
        "about the | around the corner | right | up | off-peak | no-name | 24-hour | first class | \
        second class | economy class | business class | less sugar | less ice | no sugar | \
        no ice | extra hot | extra shot | sugar free | without sugar | without ice | \
        no coriander | no onions | not too sweet | not spicy | no milk | cheapest | the cheapest | \
        first edition | last edition | one-way | one way | the book | this book | that book | \
        my book | the order | this order | my order",
    ),
];

const fn weekday(day: i8, which: Which) -> Sense {
    Sense::When(DayWord::Weekday(day, which))
}

const fn month(number: i8) -> Sense {
    Sense::When(DayWord::Month(number))
}

pub(crate) const UNITS: &[(Unit, &str)] = &[
    (
        Unit::Times,
        "times | time | purchases | purchase | payments | payment | orders | order | transactions | \
        bookings",
    ),
    (Unit::Length(LengthUnit::Minute), "minutes | minute | min | mins"),
    (Unit::Length(LengthUnit::Hour), "hours | hour | h | hrs"),
    (Unit::Length(LengthUnit::Day), "days | day"),
    (Unit::Length(LengthUnit::Week), "weeks | week"),
    (Unit::Length(LengthUnit::Month), "months | month"),
    (Unit::Length(LengthUnit::Year), "years | year"),
    (Unit::Percent, "% | percent | per cent"),
    (
        Unit::Pieces,
        "cups | cup | bottles | bottle | tickets | ticket | pieces | piece | items | item | boxes | \
        box | people | persons | nights | rooms | seats | kg | kilos | g | coffees | lattes | \
        books | pizzas | roses | bouquets | milk teas | teas | train tickets | movie tickets | \
        copies | bags",
    ),
    (Unit::Money(CurrencyWord::Code("CNY")), "yuan | rmb | cny | renminbi | kuai"),
    (Unit::Money(CurrencyWord::Code("USD")), "usd | us dollars | us dollar | american dollars"),
    (Unit::Money(CurrencyWord::Dollar), "dollars | dollar | bucks | buck | $"),
    (Unit::Money(CurrencyWord::YuanOrYen), "¥"),
    (Unit::Money(CurrencyWord::Code("EUR")), "€ | eur | euros | euro"),
    (Unit::Money(CurrencyWord::Code("GBP")), "£ | gbp | pounds"),
    (Unit::Money(CurrencyWord::Cent), "cents | cent"),
    (Unit::Money(CurrencyWord::Fen), "fen"),
    (Unit::Money(CurrencyWord::Code("CAD")), "cad | canadian dollars"),
    (Unit::Money(CurrencyWord::Code("AUD")), "aud"),
    (Unit::Money(CurrencyWord::Code("HKD")), "hkd | hong kong dollars"),
    (Unit::Money(CurrencyWord::Code("SGD")), "sgd"),
    (Unit::Money(CurrencyWord::Code("JPY")), "jpy | yen"),
    (Unit::Money(CurrencyWord::Code("TWD")), "twd"),
    (Unit::Money(CurrencyWord::Code("KRW")), "krw"),
    (Unit::Money(CurrencyWord::Code("USDC")), "usdc"),
    (Unit::Money(CurrencyWord::Code("CHF")), "chf"),
];

pub(crate) const CURRENCIES: &[(CurrencyWord, &str)] = &[
    (CurrencyWord::YuanOrYen, "¥"),
    (CurrencyWord::Dollar, "$ | dollars | bucks"),
    (CurrencyWord::Code("EUR"), "€ | eur | euros"),
    (CurrencyWord::Code("GBP"), "£ | gbp"),
    (CurrencyWord::Code("USD"), "us$ | usd | us dollars"),
    (CurrencyWord::Code("HKD"), "hk$ | hkd | hong kong dollars"),
    (CurrencyWord::Code("CAD"), "ca$ | c$ | cad | canadian dollars"),
    (CurrencyWord::Code("AUD"), "a$"),
    (CurrencyWord::Code("SGD"), "s$"),
    (CurrencyWord::Code("TWD"), "nt$"),
    (CurrencyWord::Code("CNY"), "cn¥ | rmb | cny | yuan | renminbi"),
    (CurrencyWord::Code("JPY"), "jpy"),
    (CurrencyWord::Cent, "cents"),
];
