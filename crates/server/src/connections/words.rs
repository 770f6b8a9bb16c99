//! The words of phrases: short, common, and none that sounds like another of them.

/// One for each byte.
pub(super) const WORDS: [&str; 256] = [
    "acorn", "actor", "album", "alley", "amber", "angle", "ankle", "apple", "april", "apron", "arrow",
    "artist", "atlas", "attic", "autumn", "badge", "bagel", "baker", "balloon", "bamboo", "banana", "banjo",
    "barley", "barn", "basil", "basket", "beach", "beacon", "bean", "bear", "beaver", "bell", "bench",
    "berry", "bicycle", "birch", "biscuit", "bishop", "blanket", "blossom", "boat", "bonnet", "book", "boot",
    "bottle", "boulder", "bowl", "branch", "bread", "breeze", "brick", "bridge", "broom", "brother", "brush",
    "bubble", "bucket", "buffalo", "bugle", "butter", "button", "cabin", "cactus", "camel", "camera",
    "candle", "canoe", "canyon", "captain", "carpet", "carrot", "castle", "cedar", "cellar", "cello",
    "cement", "chair", "chalk", "cheese", "cherry", "chimney", "circus", "clay", "cliff", "clock", "clover",
    "coach", "cobra", "coffee", "comet", "compass", "copper", "coral", "corner", "cotton", "cradle", "crane",
    "crayon", "cricket", "crown", "crystal", "cushion", "daisy", "dancer", "deer", "desert", "diamond",
    "dinner", "doctor", "dolphin", "donkey", "dragon", "drum", "duck", "eagle", "easel", "echo", "elbow",
    "elm", "ember", "engine", "falcon", "farmer", "feather", "fence", "fiddle", "finger", "flute", "forest",
    "fossil", "fountain", "fox", "gallery", "garden", "garlic", "ginger", "giraffe", "glacier", "glove",
    "goose", "grape", "guitar", "hammer", "harbor", "hazel", "helmet", "heron", "hill", "honey", "horizon",
    "hotel", "iceberg", "island", "ivory", "jacket", "jaguar", "jelly", "jewel", "jungle", "kettle",
    "kitchen", "kite", "ladder", "lagoon", "lantern", "lemon", "library", "lily", "lion", "lizard",
    "lobster", "magnet", "mango", "maple", "marble", "market", "meadow", "melon", "mirror", "monkey", "moon",
    "mosaic", "mountain", "museum", "napkin", "needle", "nest", "nickel", "oak", "oasis", "ocean", "olive",
    "onion", "orange", "orchard", "otter", "owl", "oyster", "paddle", "palace", "panda", "paper", "parade",
    "parrot", "peach", "pearl", "pebble", "pencil", "pepper", "piano", "pigeon", "pillow", "planet", "plum",
    "pocket", "pony", "poppy", "puzzle", "quarry", "quilt", "rabbit", "radio", "raven", "ribbon", "river",
    "robin", "rocket", "rose", "saddle", "salmon", "sandal", "satin", "scarf", "school", "shadow", "silver",
    "spider", "spoon", "squirrel", "statue", "summer", "sunset", "swan", "table", "teacher", "temple",
    "thunder", "tiger", "timber", "tomato", "tower", "trumpet", "tulip", "tunnel", "turtle", "umbrella",
];
