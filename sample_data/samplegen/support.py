"""Dialogues of a shop for outdoor gear: user and assistant take turns, the user begins."""

SYSTEM = "You help the customers of Ridgeline, a shop for outdoor gear."

TRAIN = (
    (
        "Where is my order? It should have arrived on Monday.",
        "Sorry about the wait! Open Orders in your account: the tracking link there shows where the parcel is right now.",
    ),
    ("Do you ship to Norway?", "Yes, in four to six working days. Customs charges are not part of our price."),
    (
        "The zip of my new tent is broken.",
        "That should not happen to a new tent. We will send a replacement at once; keep the old one until it arrives.",
        "Do I have to pay for the shipping?",
        "No, a warranty case costs you nothing, in either direction.",
    ),
    ("Can I change the delivery address?", "As long as the order says Processing, yes: tap it and choose Edit address."),
    ("how long do i have to return boots", "60 days from delivery, as long as they were only tried on indoors."),
    ("Which sleeping bag do you advise for minus ten degrees?", "Take the Boreal 900: its comfort limit is minus twelve."),
    (
        "I was charged twice for one backpack!",
        "One of the two is a reservation by your bank. It disappears within three working days without any action from you.",
    ),
    ("Is the Osprey daypack allowed as cabin luggage?", "It is: 45 x 30 x 18 cm fits the rules of nearly every airline."),
    (
        "Your discount code does not work.",
        "Codes do not apply to items that are on sale already. Is there a sale item in your basket?",
        "Oh yes, the socks.",
        "Then put the socks in an order of their own, and the code will work for the rest.",
    ),
    ("Do you have gift cards?", "We do, from 20 to 250 euros, by e-mail or on paper."),
    (
        "My parcel says delivered but there is nothing here.",
        "Please ask your neighbours first. If nothing turns up by tomorrow, we start a search.",
    ),
    ("Can I pay by invoice?", "Yes, from your second order on; the bill is due after 14 days."),
    ("What size should I order? I am between 42 and 43.", "With thick socks the larger one. The Trailrunner runs small anyway."),
    (
        "Are your jackets free of PFAS?",
        "All jackets since the spring of last year are. Older models carry a note in their description.",
    ),
    ("I'd like to cancel my order.", "It has not left the warehouse yet, so I have cancelled it. The money is back in about five days."),
    ("How do I wash a down jacket?", "At 30 degrees with down detergent, then in the dryer on low with two tennis balls."),
    (
        "The stove I bought is not lighting.",
        "Is the cartridge screwed in firmly, and is it warmer than five degrees outside?",
        "It is about zero here.",
        "Butane hardly evaporates in such cold. Warm the cartridge under your jacket or use a winter mix.",
    ),
    ("Do you repair trekking poles?", "Yes. A new tip costs 6 euros, a new lock 11; send them in with the repair form."),
    ("When will the green Fjell parka be back?", "The next delivery is planned for the middle of October. Tap Notify me and you will hear first."),
    ("Can I pick up my order in a shop?", "In Graz and Linz, yes. Choose Pick-up at the checkout; it is free."),
    ("the tent pegs are missing from the box", "Oh no! A set of twelve leaves our warehouse today, free of charge."),
    (
        "How heavy is the Nomad tent?",
        "1.9 kg with pegs and bag.",
        "And without the inner tent?",
        "Then it is 1.2 kg, and there is room for a bike as well.",
    ),
    ("Why was my return refused?", "The soles show wear from outdoors. We can offer you 40 percent of the price as a voucher."),
    ("I want to delete my account.", "Under Settings, Privacy you find Delete account. Invoices are kept for seven years by law."),
    (
        "Can I order spare buckles?",
        "Sure. Which backpack is it, and which strap?",
        "The Terra 50, hip belt.",
        "That is part B7 for 3.50 euros. I have put it in your basket.",
    ),
    ("Does the mat fit two people?", "Duo means two: it is 128 cm wide and weighs 1.1 kg."),
    ("My boots squeak when I walk.", "Take the insoles out and rub them with talcum. If that does not help, we exchange the pair."),
    (
        "The rain cover does not fit my pack.",
        "Size M covers packs up to 35 litres; yours holds 50. Shall I exchange it for L?",
        "Yes please.",
        "Done. The label for the return is in your account.",
    ),
)

EVAL = (
    ("Can I still add a bottle to an order from this morning?", "Yes, until 3 pm. Tell me which bottle and I will add it."),
    ("Do you deliver on Saturdays?", "In the larger cities, yes; the carrier shows it as an option at the checkout."),
    (
        "My kettle arrived with a dent.",
        "That is annoying. Would you rather have a new one or 30 percent off?",
        "A new one, please.",
        "It leaves today. You need not send the dented one back.",
    ),
    ("Are the gloves made for touch screens?", "Thumb and forefinger are; the other fingers are not."),
    ("What does the lifetime warranty cover?", "Seams, zips and material, but not wear and not burns from the camp fire."),
    ("How do I unsubscribe from the newsletter?", "With the link at the foot of each issue, or under Settings, Messages."),
    ("Is there a student discount?", "Ten percent with a valid student card, except on boots."),
    ("I got the wrong colour.", "Sorry for the mix-up! Keep the blue one for now, the red one is being packed."),
    ("Can the water filter deal with viruses?", "No, it stops bacteria and protozoa. Against viruses use tablets or boil the water."),
    (
        "Which rope for a beginner?",
        "For the gym or for rock?",
        "Mostly the gym.",
        "Then 40 metres of 9.8 mm will do, and it lasts for years.",
    ),
    ("The app logs me out all the time.", "Version 4.2 has that fault. Update to 4.3, which came out yesterday."),
    ("do you buy used gear", "Tents and packs, yes: fill in the trade-in form and you get an offer within two days."),
    ("How big is the Nordkap duffel when folded?", "About like a loaf of bread, 30 by 20 cm."),
    ("Why does my invoice show no VAT?", "Deliveries to Switzerland are free of Austrian VAT; you pay the Swiss one at the border."),
    ("Is wool itchy on bare skin?", "Our merino is 17.5 microns fine. Hardly anyone feels it itch."),
    ("Could you hold my parcel while I am on holiday?", "The carrier can, for up to ten days: choose Hold in the tracking page."),
    ("The compass points south!", "Magnets turn the needle round. Keep it away from your phone; we will send you a new one."),
    ("Are there jobs in your shop in Graz?", "Two at the moment, both in bike repair. Ask for Petra at the till."),
)
