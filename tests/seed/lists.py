"""What the made-up clinic group is put together from. Common names only; nobody here is anybody."""

from typing import NamedTuple

NAMES = {
    "de": (
        "Anna Lena Mia Clara Johanna Katrin Sabine Heike Lukas Jonas Felix Moritz Stefan Matthias Uwe Tobias",
        "Müller Schmidt Weber Fischer Becker Hoffmann Schäfer Koch Richter Wolf Neumann Krüger Vogel Brandt Seidel",
    ),
    "ch": (
        "Nina Laura Seraina Ursina Corinne Regula Beat Reto Urs Andri Luca Marco Flurin Nicole Simon",
        "Keller Meier Huber Frei Baumann Zürcher Gerber Brunner Caduff Bernasconi Favre Roth Steiner Widmer",
    ),
    "fr": (
        "Camille Léa Chloé Manon Élodie Sophie Claire Hugo Louis Théo Antoine Julien Nicolas Mathieu Étienne",
        "Martin Bernard Dubois Moreau Lefèvre Garnier Rousseau Fontaine Chevalier Mercier Lambert Girard Perrin",
    ),
    "es": (
        "Lucía Carmen Marta Paula Elena Isabel Pilar Javier Alejandro Sergio Diego Álvaro Manuel Ignacio Rubén",
        "García Fernández López Sánchez Romero Navarro Torres Domínguez Ortega Castro Delgado Vidal Iglesias",
    ),
    "en": (
        "Olivia Emily Grace Hannah Charlotte Alice Ruth Oliver Harry Thomas James Daniel Samuel Edward Noah",
        "Smith Taylor Brown Wilson Clarke Walker Hughes Bennett Foster Hayes Marsh Reynolds Palmer Whitfield",
    ),
    "pt": (
        "Ana Beatriz Mariana Júlia Larissa Fernanda Camila Pedro Rafael Gustavo Thiago Bruno Lucas Rodrigo",
        "Silva Santos Oliveira Souza Pereira Almeida Carvalho Ribeiro Barbosa Teixeira Nogueira Moraes Rocha",
    ),
    "in": (
        "Priya Ananya Kavya Meera Shreya Divya Lakshmi Arjun Rohan Vikram Aditya Sanjay Karthik Nikhil Rahul",
        "Sharma Patel Iyer Nair Reddy Gupta Desai Kulkarni Banerjee Menon Joshi Chatterjee Rao Mehta Pillai",
    ),
    "jp": (
        "Yui Sakura Haruka Aoi Misaki Keiko Naoko Haruto Ren Sota Kenji Takumi Hiroshi Daichi Yuto",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Mori Hayashi Shimizu Okada",
    ),
    "ng": (
        "Amara Ngozi Chioma Adaeze Folake Yetunde Zainab Emeka Chidi Tunde Segun Ibrahim Obinna Femi Kelechi",
        "Okafor Adeyemi Balogun Eze Nwosu Oyelaran Adebayo Okonkwo Bello Ogunleye Uche Abiola Danjuma Ekwueme",
    ),
    "tr": (
        "Elif Zeynep Ayşe Derya Selin Merve Emre Mehmet Burak Can Kerem Murat Deniz Hakan Ece",
        "Yılmaz Kaya Demir Şahin Çelik Aydın Öztürk Arslan Doğan Koç Polat Erdoğmuş Güneş Tekin",
    ),
    "pl": (
        "Zofia Agnieszka Magdalena Katarzyna Alicja Ewa Jan Piotr Krzysztof Tomasz Michał Paweł Jakub Marek",
        "Kowalska Nowak Wiśniewska Zieliński Lewandowska Kamińska Wójcik Mazur Krawczyk Dudek Pawlak Sikora",
    ),
    "ar": (
        "Layla Fatima Noor Yasmin Salma Rania Omar Yusuf Karim Hassan Samir Tariq Nadia Amal Bilal",
        "Haddad Khalil Nasser Mansour Farah Aziz Saleh Hamdan Rahman Najjar Shaheen Darwish Sabbagh",
    ),
    "cn": (
        "Mei Xiu Lan Jing Yan Hui Fang Wei Ming Jun Hao Lei Feng Cheng Bo",
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Lin Guo He",
    ),
    "vi": (
        "Linh Mai Thảo Hương Ngọc Lan Minh Tuấn Khoa Dũng Quân Phúc",
        "Nguyễn Trần Phạm Hoàng Phan Vũ Đặng Bùi Hồ Ngô",
    ),
}
"""{whose: (given names, family names)}"""


class Specialty(NamedTuple):
    """``weight``: how many there are of it; ``minutes``: of a visit; ``fee``: times an ordinary visit's."""

    name: str
    weight: int
    minutes: int
    fee: float
    cares_for: str
    reasons: str


SPECIALTIES = (
    Specialty(
        "General Practice",
        26,
        20,
        1.0,
        "the whole family, from a cold to a check-up",
        "Persistent cough|Yearly check-up|Blood pressure control|Vaccination|Tiredness for some weeks",
    ),
    Specialty(
        "Paediatrics",
        9,
        20,
        1.0,
        "children from their first days to eighteen",
        "Check-up at two years|Fever since Monday|Vaccination|Ear ache|Sleeps badly",
    ),
    Specialty(
        "Dermatology",
        9,
        20,
        1.1,
        "skin, hair and nails",
        "A mole that has changed|Eczema on both hands|Acne|Skin cancer screening|Rash after a walk",
    ),
    Specialty(
        "Cardiology",
        8,
        30,
        1.5,
        "the heart and its rhythm, before and after it complains",
        "Palpitations in the evening|Follow-up after a stent|ECG|Short of breath on stairs|High blood pressure",
    ),
    Specialty(
        "Gynaecology",
        8,
        30,
        1.2,
        "women of every age, with time for questions",
        "Yearly check-up|Pregnancy, 20 weeks|Contraception|Irregular cycle|Follow-up",
    ),
    Specialty(
        "Orthopaedics",
        8,
        30,
        1.3,
        "backs, knees and shoulders, by training before by surgery",
        "Knee pain when running|Lower back pain|Shoulder after a fall|Follow-up of an operation|Insoles",
    ),
    Specialty(
        "Psychiatry",
        5,
        50,
        1.6,
        "anxiety, low mood and sleep, by talk first",
        "First conversation|Follow-up|Trouble sleeping|Medication review|Panic attacks",
    ),
    Specialty(
        "Ophthalmology",
        6,
        20,
        1.1,
        "eyes, from glasses to glaucoma",
        "Blurred vision|Eye pressure|New glasses|Dry eyes|Diabetes eye check",
    ),
    Specialty(
        "Neurology",
        5,
        40,
        1.5,
        "headache, dizziness and what nerves tell",
        "Migraine, more often than before|Numb fingers|Dizziness|Follow-up|Tremor of one hand",
    ),
    Specialty(
        "Otolaryngology",
        5,
        20,
        1.1,
        "ears, nose and throat",
        "Hearing test|Blocked nose for weeks|Hoarse since a month|Tinnitus|Recurrent tonsillitis",
    ),
    Specialty(
        "Gastroenterology",
        4,
        30,
        1.4,
        "stomach, gut and liver",
        "Heartburn|Colonoscopy, what to prepare|Food intolerance|Follow-up|Bloating",
    ),
    Specialty(
        "Endocrinology",
        3,
        30,
        1.4,
        "thyroid, diabetes and hormones",
        "Thyroid values|Diabetes review|Insulin pump|Weight gain|Follow-up",
    ),
    Specialty(
        "Urology",
        4,
        20,
        1.2,
        "kidneys, bladder and men's health",
        "Kidney stones|Prostate check-up|Recurrent infections|Follow-up",
    ),
    Specialty(
        "Physiotherapy",
        5,
        45,
        0.8,
        "movement after injury and against pain",
        "Exercises after an operation|Neck pain|Ankle sprain|Posture|Sports injury",
    ),
)

BIOS = (
    "Looks after {care}. {years} years of practice, {unhurried}.",
    "{years} years in the care of {care}; {unhurried}.",
    "Cares for {care}. Trained in {city}, and {unhurried}.",
)
UNHURRIED = (
    "takes time to explain",
    "listens first",
    "plain about what helps and what does not",
    "known for short waiting times",
    "glad to answer questions by the end of the day",
)
DEGREES = ("MD", "PhD", "Board certified", "Diploma in Ultrasound", "Fellow of the College", "MSc Public Health")

WEEKS = (
    # weekdays and the windows of each; lunch is the gap
    (("MON TUE WED THU FRI", "08:00-12:00 13:00-17:00"),),
    (("MON TUE WED THU", "09:00-12:30 13:30-18:00"), ("FRI", "09:00-13:00")),
    (("TUE WED THU FRI", "10:00-13:00 14:00-19:00"), ("SAT", "09:00-14:00")),
    (("MON WED", "07:30-12:00 12:45-16:30"), ("THU", "13:00-20:00"), ("FRI", "08:00-12:00")),
    (("MON TUE THU", "08:30-12:30 13:30-17:30"),),
    (("MON TUE WED THU FRI SAT", "09:00-13:00"), ("TUE THU", "15:00-19:00")),
)

CANCELLED_BY_PATIENT = (
    "Feeling better",
    "Cannot get away from work",
    "Travelling that day",
    "Child is ill",
    None,
    None,
)
CANCELLED_BY_DOCTOR = ("Emergency at the hospital", "The doctor is ill", "Congress")
DECLINED = ("Please see your general practitioner first", "Not my field: a colleague can help", None)
MOVED = ("Meeting at work", "Train is cancelled", None)
SUSPENDED = ("Books under several names and does not come.", "Abusive towards the reception, twice.")
REJECTED = "The diploma could not be verified; please upload it again."

REVIEWS = {
    5: (
        ("Excellent", "I felt heard", "The best doctor I have been to", "Very thorough", "Warm and competent"),
        (
            "explained every step and what comes next",
            "took time although the waiting room was full",
            "found in ten minutes what others had missed",
            "called the same evening with the result",
            "was kind to my anxious mother",
        ),
    ),
    4: (
        ("Very good", "Happy with the visit", "Friendly and clear", "Good advice"),
        (
            "only the wait was a little long",
            "a bit hurried at the end, but all was answered",
            "the exercises help already",
            "the practice is hard to find the first time",
        ),
    ),
    3: (
        ("All right", "Mixed", "Fine, nothing more"),
        ("waited forty minutes", "my questions were answered in part", "friendly team, little time"),
    ),
    2: (
        ("Disappointed", "Not what I hoped for"),
        ("waited an hour without a word", "felt rushed from the first minute", "the bill was a surprise"),
    ),
    1: (
        ("Never again", "Poor"),
        ("was sent home after two minutes", "nobody looked up from the screen", "the appointment had been forgotten"),
    ),
}
"""{stars: (openings, what happened)}"""
THANKS = (
    "Thank you, this means a lot to the whole team.",
    "Thank you for the kind words.",
    "Glad that it helps. Take care!",
)
REGRETS = (
    "We are sorry about the wait; that day an emergency came in between. Please call us.",
    "I am sorry to read this. I would like to make it good: please ask for me at the reception.",
)
REPORTS = ("Names another patient", "Was never here, to my knowledge", "Insulting", "Advertises another clinic")

ALLERGIES = ("Penicillin", "Pollen", "Latex", "Peanuts", "Iodine contrast", "Cat hair", "Nickel")
CONDITIONS = ("Asthma", "Hypertension", "Type 2 diabetes", "Migraine", "Hypothyroidism", "Psoriasis", "Reflux")
MEDICATIONS = (
    "Ramipril 5 mg, once a day",
    "Metformin 500 mg, twice a day",
    "Salbutamol 100 µg, as needed",
    "Levothyroxine 75 µg, in the morning",
    "Pantoprazole 20 mg, as needed",
    "Vitamin D 1000 IU",
)
BLOOD_GROUPS = ("O+", "O+", "O+", "A+", "A+", "A+", "B+", "AB+", "O-", "A-", "B-", "AB-")
RELATIONS = ("partner", "mother", "father", "sister", "brother", "friend", "daughter", "son")
INSURERS = ("Helvita", "Northlight Mutual", "Sana Plus", "Caritas Life", "Public insurance")
