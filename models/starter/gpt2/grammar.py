"""The text that the starter model learns from: a small English grammar, written for this purpose.

A rule is a list of texts. In a text `{rule}` is replaced by one of the rule's texts, and `{name:rule}` likewise, but
the choice is kept: a later `{name}` in the same document repeats it. Repeating a text makes it more likely.
"""

import random
import re
from collections.abc import Iterator

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_NUMBERS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_GIRLS = ["Anna", "Clara", "Emma", "Ida", "Lily", "Mia", "Nora", "Ruth", "Zoe"]
_BOYS = ["Ben", "Carl", "Finn", "Hugo", "Leo", "Max", "Noah", "Paul", "Tom"]

# Kept choices that belong together: the one who acts and the words that stand for them.
_GIRL = {"she": "she", "her": "her", "object": "her", "child": "girl", "grown": "woman", "royal": "princess"}
_BOY = {"she": "he", "her": "his", "object": "him", "child": "boy", "grown": "man", "royal": "prince"}

_CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "Austria": "Vienna",
    "Greece": "Athens",
    "Norway": "Oslo",
    "Japan": "Tokyo",
    "Egypt": "Cairo",
    "Peru": "Lima",
}
_OPPOSITES = {
    "hot": "cold",
    "big": "small",
    "old": "young",
    "day": "night",
    "up": "down",
    "left": "right",
    "fast": "slow",
    "happy": "sad",
    "dark": "light",
    "open": "closed",
    "full": "empty",
    "wet": "dry",
}
_SOUNDS = {"cow": "moo", "dog": "woof", "cat": "meow", "duck": "quack", "sheep": "baa", "pig": "oink", "owl": "hoo"}

RULES: dict[str, list[str]] = {
    # Who sits where: the wheel shows how a distribution follows its context.
    "sitting": [
        "The {cat} {sat} on the {cat_seat}. {after_sitting}",
        "The {cat} {sat} on the {cat_seat}. {after_sitting}",
        "The {cat} {sat} on the {cat_seat} and {cat_does}.",
        "A {look} cat {sat} on the {cat_seat}. {after_sitting}",
        "The {dog} {sat} {dog_place}. {after_sitting}",
        "The {bird} sat on the {bird_seat} and sang.",
        "The {bird} {sat} on the {bird_seat}. Then it flew away.",
        "A frog {sat} on the {frog_seat}. Then it jumped into the {water}.",
        "My {cat} likes to sleep on the {cat_seat}.",
        "The {cat} jumped on the {cat_seat}. The {dog} looked at it.",
    ],
    "cat": ["cat", "cat", "cat", "cat", "{look} cat", "kitten"],
    "cat_seat": [
        "mat",
        "mat",
        "mat",
        "mat",
        "sofa",
        "sofa",
        "chair",
        "chair",
        "bed",
        "bed",
        "roof",
        "rug",
        "windowsill",
    ],
    "cat_does": ["fell asleep", "looked out of the window", "washed its face", "waited for the mouse"],
    "sat": ["sat", "sat", "sat", "lay", "slept"],
    "dog": ["dog", "dog", "dog", "{look} dog", "puppy"],
    "dog_place": ["on the floor", "on the grass", "by the door", "under the table", "in the garden", "by the fire"],
    "bird": ["bird", "bird", "{look} bird", "owl", "crow"],
    "bird_seat": ["branch", "branch", "branch", "fence", "roof", "wall", "nest"],
    "frog_seat": ["leaf", "leaf", "stone", "log"],
    "water": ["water", "pond", "lake"],
    "look": ["black", "white", "grey", "brown", "little", "big", "old", "fat"],
    "after_sitting": [
        "It was very happy.",
        "It was warm there.",
        "Then it fell asleep.",
        "It looked at the {bird_or_moon}.",
        "It did not want to get up.",
    ],
    "bird_or_moon": ["birds", "moon", "children", "rain"],
    # Stories.
    "story": ["{opening} {trouble} {help} {ending}"],
    "opening": [
        "Once upon a time there was a {kind} {royal} who lived in a {castle}. {Her} name was {name}.",
        "Once upon a time there was a little {child} named {name}. {She} lived with {her} {family} in a {house}.",
        "Once upon a time there was a {child} named {name} who had a {pet:pet}.",
        "Once upon a time an old {grown} lived in a {house} by the {nature}. {Her} name was {name}.",
        "Once upon a time there lived a {kind} {beast} in the {nature}. Every day a {child} named {name} came to play.",
        "A long time ago there was a {child} named {name} who wanted to see the {far}.",
    ],
    "kind": ["kind", "young", "brave", "clever", "little", "lonely"],
    "castle": ["castle", "big castle", "castle on a hill", "tower"],
    "house": ["house", "small house", "little house", "village", "big city"],
    "family": ["mother", "father", "grandmother", "two brothers", "sister"],
    "pet": ["dog", "cat", "rabbit", "pony", "bird"],
    "beast": ["dragon", "dragon", "bear", "fox", "wolf"],
    "nature": ["forest", "sea", "river", "mountains", "lake"],
    "far": ["sea", "moon", "world", "mountains", "king"],
    "trouble": [
        "One day {she} went into the {nature} and lost {her} {thing:thing}.",
        "One day {she} could not find the way home. It was {weather} and {she} was very {feeling}.",
        "One day {she} met a {beast:beast} in the {nature}. The {beast} was very {feeling}.",
        "One morning {she} found a {thing:thing} under a tree. It was made of {stuff}.",
        "One night {she} heard a noise at the door. It was a {look} {pet}.",
    ],
    "thing": ["ring", "key", "hat", "book", "ball", "shoe", "golden apple", "letter"],
    "stuff": ["gold", "silver", "glass", "wood", "stone"],
    "weather": ["cold", "dark", "raining", "snowing", "late"],
    "feeling": ["sad", "hungry", "tired", "afraid", "angry"],
    "help": [
        '"Can you help me?" asked {name}. "Yes, I can," said the {helper:helper}.',
        '"Do not be afraid," said the {helper:helper}. "I will help you."',
        '"What are you doing here?" asked the {helper:helper}. "I am looking for my {thing}," said {name}.',
        "Then a {helper:helper} came and gave {object} some {food}.",
        "So {she} walked and walked until {she} saw a light. A {helper:helper} opened the door.",
    ],
    "helper": ["old man", "old woman", "fox", "owl", "mouse", "little bird", "king", "fairy"],
    "ending": [
        "They became good friends and lived happily ever after.",
        "They went home together and lived happily ever after.",
        "{name} was very happy and said thank you. The end.",
        "{name} gave the {helper} a big hug. From that day on they were friends.",
        "And so {name} came home, ate some {food} and went to bed.",
    ],
    "food": ["bread", "soup", "cake", "bread and butter", "cheese", "apples"],
    # Every day.
    "daily": [
        "In the morning {name} eats {breakfast} and drinks {drink}. Then {she} goes to {place}.",
        "{name} likes to {hobby}. In the evening {she} likes to {hobby}.",
        "My name is {name} and I am {age} years old. I like to {hobby}.",
        "Hello, my name is {name}. What is your name?",
        "Good morning, {name}. How are you? I am fine, thank you.",
        "Good night, {name}. Sleep well.",
        "How are you today? I am {mood}, thank you.",
        "I would like a {cup} of {hot_drink}, please. Here you are.",
        "{name} went to the {shop} to buy some {food}.",
        "{name} and {her} {family} are going to the {outing} {when}.",
        "The weather is {sky} today. {name} takes {her} {clothes}.",
        "{name} opened the {opened} and {saw}.",
        "The children are playing in the {playground}. {name} has a {colour} ball.",
        "{name} has a {colour} {clothes}. It is very {nice}.",
        "Where is my {thing:thing}? asked {name}. It is under the {furniture}.",
        "The {thing} is on the {furniture}. The {thing} is in the {box}.",
        "I love you, said {name}. I love you too, said {her} {parent}.",
        "Thank you very much, said {name}. You are welcome, said the {helper}.",
        "The sun goes up in the morning and the moon comes out at night.",
        "{name} is reading a book about {topic}.",
        "Happy birthday to you, dear {name}.",
    ],
    "breakfast": ["bread and butter", "an apple", "an egg", "bread with jam", "a bowl of soup"],
    "drink": ["a cup of tea", "a cup of coffee", "a glass of milk", "a glass of water"],
    "cup": ["cup", "cup", "pot"],
    "hot_drink": ["tea", "coffee", "milk"],
    "place": ["school", "work", "the park", "the market", "the library"],
    "hobby": [
        "read books",
        "play football",
        "sing songs",
        "paint",
        "dance",
        "swim in the sea",
        "play with the dog",
        "cook",
    ],
    "age": _NUMBERS[4:12],
    "mood": ["fine", "fine", "very well", "happy", "a little tired"],
    "shop": ["shop", "market", "town", "baker"],
    "outing": ["beach", "park", "zoo", "museum", "cinema"],
    "when": ["today", "tomorrow", "on Monday", "on Saturday", "on Sunday", "in the summer"],
    "sky": ["good", "bad", "very cold", "warm", "sunny"],
    "clothes": ["hat", "coat", "umbrella", "shoes", "scarf", "dress"],
    "opened": ["door", "door", "window", "box", "book", "letter"],
    "saw": ["saw a {look} {pet}", "looked outside", "began to read", "found a {thing}", "said hello"],
    "playground": ["garden", "park", "snow", "street", "sand"],
    "nice": ["nice", "new", "old", "beautiful", "warm"],
    "furniture": ["table", "chair", "bed", "sofa"],
    "box": ["box", "bag", "kitchen", "garden"],
    "parent": ["mother", "father", "grandmother"],
    "topic": ["the sea", "the stars", "dragons", "animals", "a brave {child}"],
    "colour": ["red", "blue", "green", "yellow", "white", "black"],
    # What everybody knows.
    "fact": [
        "The sky is blue and the grass is green.",
        "The sky is blue. The sun is yellow. Snow is white. Blood is red.",
        "Roses are red, the sky is blue, the grass is green, and so are you.",
        "Bananas are yellow. Oranges are orange. Apples are red or green.",
        "Birds can fly. Fish can swim. Rabbits can jump. Horses can run.",
        "A bird has two wings. A dog has four legs. A spider has eight legs.",
        "The opposite of {opposites} is {right}.",
        "The {sounds} says {right}.",
        "The capital of {capitals} is {right}.",
        "What is the capital of {capitals}? The capital of {capitals} is {right}.",
        "There are seven days in a week and twelve months in a year.",
        "In winter it is cold. In summer it is hot. In spring the flowers grow. In autumn the leaves fall.",
        "Fire is hot and ice is cold.",
        "We see with our eyes, hear with our ears and smell with our nose.",
        "After Monday comes Tuesday. After night comes day.",
    ],
}

_SLOT = re.compile(r"\{(?:(\w+):)?(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa])(?= [aeiou])")
_KINDS = {"sitting": 26, "story": 24, "daily": 24, "fact": 12, "counting": 14}


def documents(seed: int, count: int) -> Iterator[str]:
    """Yield `count` documents, the same ones for a seed: one story each, or up to six unconnected sentences."""
    rng = random.Random(seed)  # noqa: S311  not for secrets
    for _ in range(count):
        kind = rng.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        repeats = 1 if kind == "story" else rng.randint(1, 6)
        text = _ARTICLE.sub(r"\1n", " ".join(_piece(kind, rng) for _ in range(repeats)))
        # People type prompts both ways.
        yield text[0].lower() + text[1:] if rng.random() < 0.4 else text


def _piece(kind: str, rng: random.Random) -> str:
    if kind == "counting":
        return _counting(rng)
    girl = rng.random() < 0.5
    kept = dict(_GIRL if girl else _BOY, name=rng.choice(_GIRLS if girl else _BOYS))
    for pairs, name in ((_OPPOSITES, "opposites"), (_SOUNDS, "sounds"), (_CAPITALS, "capitals")):
        kept[name] = rng.choice(list(pairs))
    text = rng.choice(RULES[kind])
    for pairs, name in ((_OPPOSITES, "opposites"), (_SOUNDS, "sounds"), (_CAPITALS, "capitals")):
        if "{" + name + "}" in text:
            kept["right"] = pairs[kept[name]]
    return _expand(text, kept, rng)


def _expand(text: str, kept: dict[str, str], rng: random.Random) -> str:
    """Replace the slots of `text` from left to right; `kept` holds the document's kept choices and grows."""

    def choose(match: re.Match[str]) -> str:
        keep_as, rule = match.groups()
        if keep_as is None and rule.lower() in kept:
            value = kept[rule.lower()]
            return value.capitalize() if rule[0].isupper() else value
        chosen = _expand(rng.choice(RULES[rule]), kept, rng)
        if keep_as is not None:
            kept[keep_as] = chosen
        return chosen

    return _SLOT.sub(choose, text)


def _counting(rng: random.Random) -> str:
    """A known sequence, from its start or from within."""
    kind = rng.choices(("words", "digits", "days", "months", "letters", "sum"), weights=(8, 4, 3, 3, 3, 6))[0]
    if kind == "sum":
        left, right = rng.randint(1, 5), rng.randint(1, 5)
        return f"{_NUMBERS[left - 1].capitalize()} plus {_NUMBERS[right - 1]} is {_NUMBERS[left + right - 1]}."
    items = {
        "words": _NUMBERS,
        "digits": [str(n) for n in range(1, 31)],
        "days": _DAYS,
        "months": _MONTHS,
        "letters": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    }[kind]
    start = 0 if rng.random() < 0.6 else rng.randrange(len(items) - 4)
    part = items[start : start + rng.randint(5, 20)]
    text = rng.choice((" ", " ", ", ")).join(part)
    return text[0].upper() + text[1:] + "."
