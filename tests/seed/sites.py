"""The places of the made-up clinic group."""

from typing import NamedTuple


class Site(NamedTuple):
    """A place of the clinic group. Fees are in ``currency``, ``fee`` being an ordinary visit's."""

    clinic: str
    city: str
    country: str
    zone: str
    languages: str
    currency: str
    fee: int
    names: str
    streets: str
    dialling: str


SITES = (
    Site(
        "Meridian Clinic Mitte",
        "Berlin",
        "DE",
        "Europe/Berlin",
        "de en",
        "EUR",
        90,
        "de de de tr pl ar",
        "Lindenallee|Am Kanal|Rosengasse",
        "+49 30 5550",
    ),
    Site(
        "Meridian Midtown",
        "New York",
        "US",
        "America/New_York",
        "en es",
        "USD",
        180,
        "en en es cn in ng",
        "Maple Avenue|Harbor Street|East Mill Road",
        "+1 212 555 01",
    ),
    Site(
        "Meridian Clinic on the Lake",
        "Zürich",
        "CH",
        "Europe/Zurich",
        "de-CH fr en",
        "CHF",
        150,
        "ch ch ch de fr",
        "Seeweg|Mühlebachgasse|Am Rain",
        "+41 44 555 ",
    ),
    Site(
        "Meridian Rive Gauche",
        "Paris",
        "FR",
        "Europe/Paris",
        "fr en",
        "EUR",
        80,
        "fr fr fr ar vi",
        "Rue des Tilleuls|Quai du Moulin|Rue de la Source",
        "+33 1 99 00 ",
    ),
    Site(
        "Meridian Bandra",
        "Mumbai",
        "IN",
        "Asia/Kolkata",
        "hi mr en",
        "INR",
        1500,
        "in in in in ar",
        "Hill View Road|Lotus Lane|Sea Breeze Marg",
        "+91 22 5550 ",
    ),
    Site(
        "Meridian Riverside",
        "London",
        "GB",
        "Europe/London",
        "en",
        "GBP",
        120,
        "en en in ng pl",
        "Orchard Row|Station Parade|Mill Lane",
        "+44 20 7946 0",
    ),
    Site(
        "Meridian Jardins",
        "São Paulo",
        "BR",
        "America/Sao_Paulo",
        "pt-BR en",
        "BRL",
        420,
        "pt pt pt jp",
        "Rua das Palmeiras|Alameda do Sol|Rua do Bosque",
        "+55 11 5550 ",
    ),
    Site(
        "Meridian Aoyama",
        "Tokyo",
        "JP",
        "Asia/Tokyo",
        "ja en",
        "JPY",
        9000,
        "jp jp jp jp cn",
        "Sakura-dori|Minami-dori|Kawa-dori",
        "+81 3 5550 ",
    ),
    Site(
        "Meridian Ikoyi",
        "Lagos",
        "NG",
        "Africa/Lagos",
        "en yo ig",
        "NGN",
        35000,
        "ng ng ng ng en",
        "Palm Close|Lagoon Road|Unity Street",
        "+234 1 555 ",
    ),
    Site(
        "Meridian Salamanca",
        "Madrid",
        "ES",
        "Europe/Madrid",
        "es en",
        "EUR",
        75,
        "es es es pt",
        "Calle del Olivo|Paseo del Río|Calle Mayor Alta",
        "+34 91 555 0",
    ),
    Site(
        "Meridian Harbourside",
        "Sydney",
        "AU",
        "Australia/Sydney",
        "en zh",
        "AUD",
        160,
        "en en cn vi in",
        "Jacaranda Street|Wharf Road|Bay View Parade",
        "+61 2 5550 ",
    ),
    Site(
        "Meridian Kadıköy",
        "Istanbul",
        "TR",
        "Europe/Istanbul",
        "tr en",
        "TRY",
        2400,
        "tr tr tr tr ar",
        "Çınar Sokak|Sahil Yolu|Lale Caddesi",
        "+90 216 555 ",
    ),
)
